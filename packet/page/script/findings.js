// Findings: what was checked, what failed and where, what was not checked.

const $ = (id) => document.getElementById(id);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

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
