// Erasures: records of the house, which stand behind what they take.

const closedText = new Map(); // marks of closed fields, by seq and pointer
const took = new Map(); // seqs of erasures, by seq and pointer of a field, or seq of a record
const counted = new Map(); // what is closed or gone, as the top of the page counts it
const add = (what) => counted.set(what, (counted.get(what) || 0) + 1);

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
