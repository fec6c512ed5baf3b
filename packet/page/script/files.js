// Files of the packet, as they stand at the end of the page, and what the
// checks read from them.

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
