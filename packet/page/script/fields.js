// Withheld fields: disclosures open commitments where they say (RFC 9901), none
// that the packet was not to open, and what stays closed is on the list.

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

// opens says whether the packet was to open a field: a choice is TYPE:POINTER,
// with * for every type and every element, and stands for what is below too.
const opens = (selection, type, pointer, cls) => {
  const at = tokens(pointer);
  const chosen = (choice) => {
    const [of, path] = choice.split(/:(.*)/s);
    return (of === "*" || of === type) && tokens(path).every((t, i) => i < at.length && (t === "*" || t === at[i]));
  };
  if (selection.withhold.some(chosen)) return false;
  return selection.disclose.some(chosen) || selection.profile === "full" || (selection.profile === "auditor" && (cls === "internal" || cls === "confidential"));
};

const checkDisclosures = async () => {
  const selection = sources.get("statement").predicate.selection;
  let opened = 0;
  for (const r of gone.values()) if (pres("disclosures.jsonl", r.section).length) fault(`record ${r.leaf.seq}: a disclosure of a record that was expunged`, r.section);
  for (const r of records.values()) {
    r.open = new Set();
    for (const pre of pres("disclosures.jsonl", r.section)) {
      const d = JSON.parse(textOf(pre));
      if (d.record !== r.leaf.id || r.open.has(d.pointer)) fault(`record ${r.leaf.seq}: a disclosure of another record, or one that comes twice`, pre);
      else await open(r, d, pre);
      if (!opens(selection, r.record.type, d.pointer, d.class)) fault(`record ${r.leaf.seq}: disclosure ${d.pointer} is not one that the packet was to open`, pre);
      opened++;
    }
  }
  return `${opened} disclosures open commitments in their records, in the places they name, and none that the packet was not to open`;
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
