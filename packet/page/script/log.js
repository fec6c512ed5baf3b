// The log: each record has the digest of its leaf, each leaf its place, and
// the log's key signed the head that all proofs lead to.

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
