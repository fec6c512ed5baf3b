"use strict";
// Re-checks the page: hashes the bytes at its end, follows them to the head of
// the log and to the packet's signature, and holds every printed value against
// them. What it finds is a word about this page, not about the truth.
(() => {
  const $ = (id) => document.getElementById(id);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const utf8 = new TextEncoder();

  // Bytes and digests.

  const base64 = (text) => {
    const raw = atob(text);
    if (btoa(raw) !== text) throw new Error("not strict base64");
    return Uint8Array.from(raw, (c) => c.charCodeAt(0));
  };
  const base64url = (text) => {
    const padded = text.replace(/-/g, "+").replace(/_/g, "/");
    return base64(padded + "=".repeat((4 - (padded.length % 4)) % 4));
  };
  const toBase64 = (digest) => btoa(String.fromCharCode(...digest));
  const toBase64url = (digest) => toBase64(digest).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const hex = (bytes) => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
  const join = (...parts) => {
    const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
    parts.reduce((at, p) => (out.set(p, at), at + p.length), 0);
    return out;
  };
  const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const digestOf = async (bytes) => "sha256:" + hex(await sha256(bytes));

  // canonical is RFC 8785 for what JSON.parse gives.
  const canonical = (v) => {
    if (Array.isArray(v)) return "[" + v.map(canonical).join(",") + "]";
    if (v === null || typeof v !== "object") return JSON.stringify(v);
    return "{" + Object.keys(v).sort().map((k) => JSON.stringify(k) + ":" + canonical(v[k])).join(",") + "}";
  };

  // signed is true or false, or null where this browser knows no Ed25519.
  const signed = async (key, sig, bytes) => {
    try {
      const k = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
      return await crypto.subtle.verify({ name: "Ed25519" }, k, sig, bytes);
    } catch (e) {
      if (e.name === "NotSupportedError") return null;
      return false;
    }
  };

  // Text, as the page's maker prints it.

  const isHidden = (c) =>
    c !== 0x0a && c !== 0x09 &&
    (c < 0x20 || (c >= 0x7f && c < 0xa0) || c === 0xad || c === 0x61c || c === 0x180e || (c >= 0x200b && c <= 0x200f) ||
      (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c === 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
      (c >= 0xe0000 && c <= 0xe007f));
  const visible = (text) =>
    [...text].map((ch) => {
      const c = ch.codePointAt(0);
      return isHidden(c) ? "U+" + c.toString(16).toUpperCase().padStart(4, "0") : ch;
    }).join("");
  // unhidden undoes the \u escapes that stand for hidden characters.
  const unhidden = (text) =>
    text.replace(/\\(?:u\{([0-9a-f]+)\}|u([0-9a-f]{4})|[^])/g, (escape, long, short) => {
      const c = parseInt(long || short || "0", 16);
      return c >= 0x7f && isHidden(c) ? String.fromCodePoint(c) : escape;
    });
  const idOf = (id) => {
    const rest = id.replace(/^sha256:/, "");
    return rest.length === 36 ? rest.slice(28) : rest.slice(0, 8);
  };
  const decimals = { JPY: 0, KRW: 0, ISK: 0, CLP: 0, VND: 0, BHD: 3, KWD: 3, OMR: 3, TND: 3, JOD: 3 };
  for (const c of "EUR USD GBP CHF SEK NOK DKK PLN CZK HUF RON BGN CAD AUD NZD CNY HKD SGD INR ZAR BRL MXN TRY ILS AED SAR THB".split(" ")) decimals[c] = 2;
  const plain = (v) => (typeof v === "string" ? v : canonical(v));
  const printed = {
    "": plain,
    time: (v) => v.slice(0, 10) + " " + v.slice(11, 19) + "Z",
    day: (v) => v.slice(0, 10),
    cut: (v) => ({
      full: "for the house itself: fields of every class are open",
      auditor: "for an auditor: internal and confidential fields are open, people stay pseudonyms",
      public: "for the public: no field that is withheld is open",
    })[v],
    taken: (v) => `${v.count} × ${v.kind}`,
    short: idOf,
    count: (v) => String(v.length),
    list: (v) => v.map(plain).join(", "),
    json: canonical,
    money: (v, beside) => {
      const n = decimals[beside.currency];
      const digits = v.replace("-", "").padStart(n + 1, "0");
      const whole = digits.slice(0, digits.length - n).replace(/\B(?=(\d{3})+$)/g, ",");
      return (v[0] === "-" ? "-" : "") + whole + (n ? "." + digits.slice(-n) : "") + ` ${beside.currency} (${v})`;
    },
  };

  const tokens = (pointer) => pointer.split("/").slice(1).map((t) => t.replace(/~1/g, "/").replace(/~0/g, "~"));
  const walk = (v, path) => path.reduce((at, t) => (at !== null && typeof at === "object" && Object.hasOwn(at, t) ? at[t] : undefined), v);

  // Findings: what was checked, what failed and where, what was not checked.

  const done = [];
  const undone = [];
  const faults = [];
  const fault = (what, where) => {
    if (!faults.includes(what)) faults.push(what);
    if (where) {
      where.classList.add("fault");
      for (let d = where.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
    }
  };
  // check runs one kind of check: it counts as done if it found no fault.
  const check = async (name, run) => {
    const before = faults.length;
    try {
      const words = await run();
      if (faults.length === before && words) done.push(words);
    } catch (e) {
      fault(name + " could not be read: " + e.message);
    }
  };

  // Files of the packet, as they stand at the end of the page.

  const textOf = (pre) => (pre.dataset.file.startsWith("policies/") || pre.dataset.file === "checkpoint" ? pre.textContent : unhidden(pre.textContent));
  const bytesOf = (pre) => (pre.dataset.base64 ? base64(pre.textContent) : utf8.encode(textOf(pre)));
  const pres = (name, from) => all("pre[data-file]", from).filter((p) => p.dataset.file === name);
  const one = (name) => {
    const found = pres(name);
    if (found.length !== 1) throw new Error(name + " is not there once");
    return found[0];
  };

  const whole = all("section.raw").length > 0; // false for the page of a packet too large for one
  const records = new Map(); // by seq, each {section, leaf, leafBytes, record, opened, open}
  const gone = new Map(); // what was expunged, by seq, each {section, leaf, leafBytes}
  const sealed = new Map(); // both
  const sources = new Map(); // what printed values come from, by name
  const objects = new Set(); // digests of the objects

  const checkRecords = async () => {
    let last = null, chained = 0;
    for (const section of all("section.raw")) {
      const [leafPre, recordPre] = [pres("leaves.jsonl", section)[0], pres("records.jsonl", section)[0]];
      const [leafBytes, recordBytes] = [bytesOf(leafPre), bytesOf(recordPre)];
      const leaf = JSON.parse(textOf(leafPre));
      const at = "record " + leaf.seq;
      const known = { section, leaf, leafBytes };
      sealed.set(String(leaf.seq), known);
      if (canonical(leaf) !== textOf(leafPre)) fault(at + ": the leaf is not in canonical form", leafPre);
      if (section.id !== "x" + leaf.seq || (last && leaf.seq <= last.seq)) fault(at + " is out of its place", leafPre);
      if (last && leaf.seq === last.seq + 1) {
        if (leaf.prev !== last.digest) fault(at + ": the leaf does not name the leaf before it", leafPre);
        chained++;
      }
      if (leaf.seq === 0 && leaf.prev !== "sha256:" + "0".repeat(64)) fault(at + ": the first leaf names one before it", leafPre);
      last = { seq: leaf.seq, digest: await digestOf(leafBytes) };
      if (!recordBytes.length) {
        gone.set(String(leaf.seq), known);
        sources.set(String(leaf.seq), leaf);
        continue;
      }
      if ((await digestOf(recordBytes)) !== leaf.digest) fault(at + " does not have the digest that its leaf seals", recordPre);
      const record = JSON.parse(textOf(recordPre));
      if (canonical(record) !== textOf(recordPre)) fault(at + " is not in canonical form", recordPre);
      if (record.id !== leaf.id || record.type !== leaf.type || record.received !== leaf.received) fault(at + " is not the record that its leaf names", leafPre);
      Object.assign(known, { record, opened: structuredClone(record) });
      records.set(String(leaf.seq), known);
      sources.set(String(leaf.seq), known.opened);
    }
    return `${records.size} records: each has the SHA-256 that its leaf seals; ${chained} leaves follow one that is here, and name it`;
  };

  // Inclusion (RFC 6962, section 2.1.1), and the head that the proofs lead to.

  let head = null;

  const nodeHash = (left, right) => sha256(join(Uint8Array.of(1), left, right));
  const rootBy = async (hash, proof, index, size) => {
    let [at, last] = [index, size - 1];
    for (const sibling of proof) {
      if (last === 0) throw new Error("the proof is too long");
      if (at % 2 === 1 || at === last) {
        hash = await nodeHash(sibling, hash);
        while (at % 2 === 0 && at !== 0) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
      } else {
        hash = await nodeHash(hash, sibling);
      }
      [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
    }
    if (last !== 0) throw new Error("the proof is too short");
    return hash;
  };

  const checkProofs = async () => {
    for (const [seq, r] of sealed) {
      const pre = pres("proofs.jsonl", r.section)[0];
      const proof = JSON.parse(textOf(pre));
      let root = "";
      try {
        root = toBase64(await rootBy(await sha256(join(Uint8Array.of(0), r.leafBytes)), proof.hashes.map(base64), r.leaf.seq, head.size));
      } catch (e) {
        fault(`record ${seq}: ${e.message}`, pre);
        continue;
      }
      if (proof.index !== r.leaf.seq || root !== head.root) fault(`record ${seq} is not in the log at its place: its proof does not lead to the head`, pre);
    }
    return `${sealed.size} inclusion proofs lead to the head of the log at size ${head.size}`;
  };

  const readHead = () => {
    const text = textOf(one("checkpoint"));
    const cut = text.indexOf("\n\n");
    const [origin, size, root, rest] = text.slice(0, cut + 1).split("\n");
    if (cut < 0 || rest !== "" || !/^(0|[1-9][0-9]*)$/.test(size) || Number(size) > Number.MAX_SAFE_INTEGER) throw new Error("it is no checkpoint");
    head = { origin, size: Number(size), root, text: text.slice(0, cut + 1), signatures: text.slice(cut + 2) };
  };

  // headSignedBy tells what a verifier key (C2SP signed-note) says about the
  // head: {state: "signed" | "not" | "unable", fingerprint}.
  const headSignedBy = async (vkey) => {
    const [, name, hash, encoded] = /^([^+\s]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey);
    const key = base64(encoded);
    if (key.length !== 33 || key[0] !== 1) throw new Error("it is no Ed25519 key");
    const id = (await sha256(join(utf8.encode(name + "\n"), key))).slice(0, 4);
    if (hex(id) !== hash) throw new Error("the verifier key’s hash is not that of its key");
    const fingerprint = await digestOf(key.slice(1));
    let state = "not";
    for (const line of head.signatures.split("\n")) {
      if (name !== head.origin || !line.startsWith("— " + name + " ")) continue;
      const sig = base64(line.slice(name.length + 3));
      if (hex(sig.slice(0, 4)) !== hash) continue;
      const held = await signed(key.slice(1), sig.slice(4), utf8.encode(head.text));
      if (held !== false) state = held ? "signed" : "unable";
    }
    return { state, fingerprint };
  };

  let logKey = ""; // fingerprint of the key that the packet states, once it holds

  const checkHead = async () => {
    const says = sources.get("statement").predicate;
    if (says.origin !== head.origin || says.checkpoint.size !== head.size || says.checkpoint.root !== head.root) fault("the checkpoint is not the one that the statement names", one("checkpoint"));
    if (!says.log_key) {
      undone.push("The log’s signature of its head: the packet states no key of the log. Give one above.");
      return "";
    }
    if ($("stated").textContent !== says.log_key) fault("the printed verifier key is not the one in the statement", $("stated"));
    const { state, fingerprint } = await headSignedBy(says.log_key);
    if (state === "unable") {
      undone.push("Signatures: this browser knows no Ed25519.");
      return "";
    }
    if (state === "not") fault("the log key that the packet states did not sign the head of the log", one("checkpoint"));
    if ($("logkey").textContent !== fingerprint) fault("the printed fingerprint is not that of the log key", $("logkey"));
    logKey = fingerprint;
    return "the head of the log is signed by the key that the packet states";
  };

  // Disclosures open commitments where they say (RFC 9901), and what stays
  // closed is on the list.

  const open = async (r, d, pre) => {
    const path = ["body", ...tokens(d.pointer)];
    const last = path[path.length - 1];
    const [sealed, target] = [walk(r.record, path.slice(0, -1)), walk(r.opened, path.slice(0, -1))];
    const digest = toBase64url(await sha256(utf8.encode(d.text)));
    const parts = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(base64url(d.text)));
    const listed = r.record.withheld.some((w) => w.pointer === d.pointer && w.class === d.class);
    if (Array.isArray(sealed)) {
      if (!listed || parts.length !== 2 || sealed[last]?.["..."] !== digest) return fault(`record ${r.leaf.seq}: disclosure ${d.pointer} opens nothing there`, pre);
      target[last] = parts[1];
    } else {
      if (!listed || parts.length !== 3 || parts[1] !== last || !sealed?._sd?.includes(digest) || Object.hasOwn(sealed, last)) return fault(`record ${r.leaf.seq}: disclosure ${d.pointer} opens nothing there`, pre);
      Object.defineProperty(target, last, { value: parts[2], enumerable: true });
    }
    r.open.add(d.pointer);
  };

  const checkDisclosures = async () => {
    let opened = 0;
    for (const r of gone.values()) if (pres("disclosures.jsonl", r.section).length) fault(`record ${r.leaf.seq}: a disclosure of a record that was expunged`, r.section);
    for (const r of records.values()) {
      r.open = new Set();
      for (const pre of pres("disclosures.jsonl", r.section)) {
        const d = JSON.parse(textOf(pre));
        if (d.record !== r.leaf.id || r.open.has(d.pointer)) fault(`record ${r.leaf.seq}: a disclosure of another record, or one that comes twice`, pre);
        else await open(r, d, pre);
        opened++;
      }
    }
    return `${opened} disclosures open commitments in their records, in the places they name`;
  };

  const checkRedactions = async () => {
    const pre = one("redactions.json");
    const listed = JSON.parse(textOf(pre)).withheld;
    const closed = [...records.values()].flatMap((r) => r.record.withheld.filter((w) => !r.open.has(w.pointer)).map((w) => `${r.leaf.id} ${w.pointer} ${w.class}`));
    const want = closed.join("\n");
    if (listed.map((w) => `${w.record} ${w.pointer} ${w.class}`).join("\n") !== want) fault("the list of what is withheld is not what follows from the records", pre);
    for (const w of listed) {
      const r = [...records.values()].find((r) => r.leaf.id === w.record);
      if (!r) continue; // said above
      const place = `${r.leaf.seq} /body${w.pointer}`;
      const by = w.class === "secret" ? undefined : tookField(r, w);
      const reason = w.class === "secret" ? "dropped" : by ? "erased" : "withheld";
      if (w.reason !== reason || w.erasure !== by?.leaf.id) fault(`record ${r.leaf.seq}: the field at ${w.pointer} is ${reason}, and is listed as another`, pre);
      closedText.set(place, `${by ? "▨" : "▤"} ${reason} (${w.class})`);
      if (by) took.set(place, String(by.leaf.seq));
      add(by ? `fields ${by.leaf.seq}` : reason);
    }
    const byErasure = took.size - gone.size;
    const erased = byErasure > 0 ? `, ${byErasure} of them erased by an erasure that names their key` : "";
    return `${closed.length} fields are not open, and each is on the list${erased}`;
  };
  const closedText = new Map(); // marks of closed fields, by seq and pointer
  const took = new Map(); // seqs of erasures, by seq and pointer of a field, or seq of a record
  const counted = new Map(); // what is closed or gone, as the top of the page counts it
  const add = (what) => counted.set(what, (counted.get(what) || 0) + 1);

  // Erasures: records of the house, which stand behind what they take.

  const erasures = () => [...records.values()].filter(({ record: r }) => r.type === "erasure.performed" && r.run === "" && r.workflow === null);

  // tookField finds the first erasure behind a record that names the key of
  // one of its closed fields. A name lies under the key of whose it is.
  const tookField = ({ leaf, record }, { pointer, class: cls }) => {
    const path = tokens(pointer);
    const last = path.pop();
    const beside = walk(record.body, path);
    const subject = cls !== "personal" ? "" : last === "name" ? beside?.ref || beside?.person : last.endsWith("_name") && beside?.[last.slice(0, -5)];
    const key = subject ? `subject/${subject}/${record.run || "house"}` : record.run ? `run/${record.run}/${cls}` : `house/${cls}`;
    return erasures().find((e) => e.leaf.seq > leaf.seq && e.opened.body.keys.some((k) => k.slice(0, k.lastIndexOf("/")) === key));
  };

  const checkExpunged = async () => {
    const run = sources.get("statement").predicate.scope.run;
    const named = new Map(erasures().flatMap((e) => e.opened.body.expunged.map((x) => [x.record, { e, x }])));
    for (const [seq, { leaf, section }] of gone) {
      const { e, x } = named.get(leaf.id) || {};
      if (!e || x.seq !== leaf.seq || x.digest !== leaf.digest || x.run !== run || e.leaf.seq <= leaf.seq) {
        fault(`record ${seq} is not here, and no erasure on this page says that it was expunged`, section);
        continue;
      }
      took.set(seq, String(e.leaf.seq));
      add(`records ${e.leaf.seq}`);
    }
    return gone.size ? `${gone.size} expunged: an erasure names the place and digest of each, and its leaf is in the log` : "";
  };

  // Salted digests in clear, over what is disclosed beside them.
  const salted = { "authorization.decided": ["args_digest", "sealed_args", "args"], "approval.requested": ["presentation", "shown", "presentation"] };
  const checkSalted = async () => {
    let n = 0;
    for (const r of records.values()) {
      const [clear, field, member] = salted[r.record.type] || [];
      const value = field && r.opened.body[field];
      if (!value) continue;
      n++;
      if ((await digestOf(join(base64url(value.salt), utf8.encode(canonical(value[member]))))) !== r.opened.body[clear]) fault(`record ${r.leaf.seq}: ${field} does not have the digest that ${clear} says`, r.section);
    }
    return n ? `${n} salted digests are those of the values disclosed beside them` : "";
  };

  // The statement: of these bytes, by the key that the log announces.

  const readStatement = () => {
    sources.set("statement", JSON.parse(textOf(one("statement"))));
    sources.set("slots.json", JSON.parse(textOf(one("slots.json"))));
  };

  const fileBytes = (name) => {
    if (!name.endsWith(".jsonl")) return bytesOf(one(name));
    return join(...pres(name).flatMap((pre) => [bytesOf(pre), utf8.encode("\n")]));
  };

  const checkStatement = async () => {
    const statement = sources.get("statement");
    const pre = one("statement");
    const says = statement.predicate;
    const bytes = bytesOf(pre);
    const type = "application/vnd.in-toto+json";
    const key = base64(says.key);
    const held = await signed(key, base64($("signature").textContent), join(utf8.encode(`DSSEv1 ${type.length} ${type} ${bytes.length} `), bytes));
    if (held === false) fault("the packet key did not sign the statement", pre);
    if (held === null) undone.push("The statement’s signature: this browser knows no Ed25519.");
    const shown = $("packetkey");
    if (shown.textContent !== (await digestOf(key))) fault("the printed fingerprint is not that of the packet key", shown);
    if (statement.predicateType !== "https://evidencefactory.dev/packet-page/v1") fault("the statement is of another type", pre);
    const announced = [...records.values()].map((r) => r.record).filter((r) => r.type === "key.rotated" && r.body.purpose === "packet" && r.run === "" && r.workflow === null).pop();
    if (announced?.body.key !== says.key) fault("no record announces the key that signed the statement", pre);
    return held ? "the statement is signed by the packet key, which a record of the log announces" : "";
  };

  const checkFiles = async () => {
    const listed = sources.get("statement").subject;
    for (const { name, digest } of listed) {
      const bytes = fileBytes(name);
      if (hex(await sha256(bytes)) !== digest.sha256) fault(`${name} is not what the statement lists`, pres(name)[0]);
      if (name.startsWith("policies/")) {
        objects.add("sha256:" + digest.sha256);
        if (!name.startsWith("policies/" + digest.sha256 + ".")) fault(`${name} does not have the digest of its name`, pres(name)[0]);
      }
    }
    const names = new Set(listed.map((s) => s.name));
    for (const pre of all("pre[data-file]")) if (pre.dataset.file !== "statement" && !names.has(pre.dataset.file)) fault(`${pre.dataset.file} is not in the statement`, pre);
    return `${listed.length} files have the SHA-256 that the statement lists`;
  };

  const checkScope = async () => {
    const says = sources.get("statement").predicate;
    const list = [...records.values()];
    let ofRun = 0, ended = "";
    for (const { leaf } of sealed.values()) if (leaf.tenant !== says.scope.tenant) fault(`record ${leaf.seq} is of another tenant`);
    for (const { leaf, record } of list) {
      if ((record.run !== "" && record.run !== says.scope.run)) fault(`record ${leaf.seq} is of another run`);
      for (const digest of [record.workflow?.digest, record.body.policy_set, record.body.schema]) if (digest && !objects.has(digest)) fault(`record ${leaf.seq} refers to an object that is not here`);
      if (record.run !== says.scope.run) continue;
      if (record.type === "run.ended" && Number.isInteger(record.body.records)) {
        ended = `; the run’s end says how many came before it, and they are all here`;
        const here = ofRun + [...gone.values()].filter((g) => g.leaf.seq < leaf.seq).length;
        if (record.body.records !== here) fault(`the run had ${record.body.records} records when it ended, ${here} of them are here`);
      }
      ofRun++;
    }
    const counts = { disclosures: list.reduce((n, r) => n + r.open.size, 0), objects: objects.size, records: sealed.size, withheld: closedText.size };
    if (canonical(counts) !== canonical(says.counts)) fault("the counts of the statement are not those of the page", one("statement"));
    if (!ended) undone.push("Whether these are all records of the run: it has not ended, or its end does not say how many there are.");
    const rotations = pres("rotations.jsonl").length;
    if (rotations) undone.push(`Whether the log’s later keys follow from an earlier one: the proofs (${rotations}) are at the end of the page. evf verify follows them.`);
    return `all records are of this run or of the house${ended}`;
  };

  // Printed values. In a record's facts, every field must stand, under its name.

  const sourceOf = (element) => element.closest("[data-r]")?.dataset.r;
  const pointerOf = (element) => (element.closest("tr[data-b], [data-r]")?.dataset.b ?? "") + element.dataset.p;
  const labelOf = (element) => {
    const cell = element.closest("td");
    const table = cell.closest("table");
    if (table.classList.contains("grid") && table.tHead) return table.tHead.rows[0].cells[cell.cellIndex].textContent;
    return cell.parentElement.cells[0].textContent;
  };
  const checkPrinted = async () => {
    let n = 0;
    for (const element of all("[data-p]")) {
      const source = sourceOf(element);
      const [p, as] = [pointerOf(element), element.dataset.as || ""];
      let want;
      try {
        want = as === "closed" ? closedText.get(`${source} ${p}`) : visible(printed[as](walk(sources.get(source), tokens(p)), walk(sources.get(source), tokens(p).slice(0, -1))));
      } catch {
        want = undefined;
      }
      if (want === undefined || want !== element.textContent) fault(`a printed value is not what record or file ${source} says at ${p}`, element);
      n++;
    }
    return `${n} printed values are those of the bytes they come from`;
  };

  // What is closed or gone is counted at the top, and in its place says what
  // took it.
  const checkTaken = async () => {
    const counts = all("[data-count]");
    for (const c of counts) if (c.textContent !== String(counted.get(c.dataset.count) ?? "")) fault("the page does not count rightly what is not open", c);
    if (new Set(counts.map((c) => c.dataset.count)).size !== counted.size || counts.length !== counted.size) fault("the page does not count all that is not open", $("unknown"));
    const saysSo = (place, by) => place && ["/received", "/body/authority"].every((p) => all("[data-p]", place).some((e) => sourceOf(e) === by && e.dataset.p === p));
    for (const [what, by] of took) {
      const [seq, pointer] = what.split(/ (.*)/s);
      const entry = $("r" + seq);
      const places = pointer ? all(".facts td, .facts td > *", entry ?? undefined).filter((e) => e.dataset.p && sourceOf(e) === seq && pointerOf(e) === pointer).map((e) => e.parentElement) : [entry?.querySelector(".lead")];
      if (!entry || !places.length || !places.every((p) => saysSo(p, by))) fault(`record ${seq}: the page does not say which erasure took ${pointer ? "the field at " + pointer : "it"}`, entry);
    }
    return counted.size ? "what is not open is counted, and says what took it" : "";
  };

  const leavesOf = (v, at) => {
    if (v === null || typeof v !== "object" || !Object.keys(v).length) return [at];
    return Object.keys(v).filter((k) => k !== "_sd").flatMap((k) => leavesOf(v[k], at + "/" + k.replace(/~/g, "~0").replace(/\//g, "~1")));
  };
  const checkComplete = async () => {
    for (const [seq, r] of sealed) {
      const entry = $("r" + seq);
      const facts = entry?.querySelector(".facts");
      if (!facts || entry.dataset.r !== seq) {
        fault(`record ${seq} has no place in the story`, r.section);
        continue;
      }
      const shown = new Set(all("[data-p]", facts).filter((e) => sourceOf(e) === seq).map(pointerOf));
      const covered = (p) => shown.has(p) || (p.includes("/") && covered(p.slice(0, p.lastIndexOf("/"))));
      const want = !r.record ? ["/id", "/type", "/received", "/digest"] : [
        ...leavesOf(r.opened.body, "/body"),
        ...r.record.withheld.filter((w) => !r.open.has(w.pointer)).map((w) => "/body" + w.pointer),
        ...(r.record.removed ?? []).map((_, i) => "/removed/" + i),
      ];
      for (const p of want) if (!covered(p)) fault(`record ${seq}: the field at ${p} is not shown`, facts);
      for (const e of all("td[data-p], td [data-p]", facts)) {
        const [p, path] = [pointerOf(e), tokens(pointerOf(e)).filter((t) => !/^[0-9]+$/.test(t))];
        if (path[0] === "body" && sourceOf(e) === seq && labelOf(e).split(" · ").pop() !== path.pop().replace(/_/g, " ")) fault(`record ${seq}: the field at ${p} stands under another name`, e);
      }
    }
    return "every field of every record is shown, under its name";
  };

  // The result.

  const list = (id, lines) => $(id).replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line[0].toUpperCase() + line.slice(1) })));
  const limits = [
    "Whether the key is the log’s: a page can state any key. Compare its fingerprint.",
    "Whether the log showed others the same history.",
    "Sentences, states, gaps and the drawing: the program that built the packet wrote them. evf verify computes them again.",
    "Whether this page was replaced as a whole, script and all. evf verify compares every byte of it.",
    "Whether what was recorded is true.",
  ];
  const say = () => {
    const verdict = $("verdict");
    verdict.className = faults.length ? "bad" : "good";
    if (faults.length) {
      const more = faults.length > 1 ? ` And ${faults.length - 1} more faults.` : "";
      verdict.textContent = `NOT consistent: ${faults[0]}.${more} Do not rely on this page.`;
    } else if (!whole) {
      verdict.className = "";
      verdict.textContent = "Not re-checked: the packet holds too many records for a page.";
    } else if (logKey) {
      verdict.textContent = `Internally consistent with log key ${logKey}`;
    } else {
      verdict.textContent = "Internally consistent, the log’s signature apart";
    }
    list("done", done);
    list("undone", [...undone, ...limits]);
    list("faults", faults);
    $("faults").parentElement.hidden = !faults.length;
    $("lists").hidden = false;
    document.documentElement.dataset.checked = faults.length ? "faults" : "consistent";
  };

  $("trust").addEventListener("submit", async (event) => {
    event.preventDefault();
    const says = $("vkeysays");
    try {
      const { state, fingerprint } = await headSignedBy($("vkey").value.trim());
      says.className = state === "signed" ? "good" : "bad";
      says.textContent = {
        signed: `This key signed the head of the log. Its fingerprint: ${fingerprint}`,
        not: "This key did not sign the head of the log.",
        unable: "Not checked: this browser knows no Ed25519.",
      }[state];
      if (state === "not") {
        fault("the key you gave did not sign the head of the log");
        say();
      }
    } catch (e) {
      says.className = "bad";
      says.textContent = "This is not a verifier key of the form name+hash+base64.";
    }
  });

  const run = async () => {
    if (!globalThis.crypto?.subtle) {
      $("verdict").textContent = "Not re-checked: this browser gives the page no WebCrypto.";
      document.documentElement.dataset.checked = "unable";
      return;
    }
    $("verdict").textContent = "Checking…";
    await check("the statement", readStatement);
    await check("the checkpoint", readHead);
    if (whole) {
      await check("records", checkRecords);
      await check("proofs", checkProofs);
      await check("the head of the log", checkHead);
      await check("disclosures", checkDisclosures);
      await check("erasures", checkExpunged);
      await check("the list of what is withheld", checkRedactions);
      await check("salted digests", checkSalted);
      await check("the statement", checkStatement);
      await check("files", checkFiles);
      await check("the run", checkScope);
      await check("printed values", checkPrinted);
      await check("what is closed", checkTaken);
      await check("facts", checkComplete);
    }
    say();
    $("trust").hidden = false;
  };
  run();
})();
