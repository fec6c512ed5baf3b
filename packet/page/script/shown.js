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

// Every output stands on the page with its gaps, each gap once.
const checkSlots = async () => {
  const { slots } = sources.get("slots.json");
  const want = slots.flatMap((slot, i) => [
    [`.slots`, `/slots/${i}/state`, slot.name], [`.slots`, `/slots/${i}/summary`, slot.name],
    ...slot.gaps.flatMap((_, g) => ["reason", "close"].map((part) => [`.gaps`, `/slots/${i}/gaps/${g}/${part}`, slot.name])),
  ]);
  for (const [where, p, name] of want) {
    const found = all(`${where} [data-p]`).filter((e) => sourceOf(e) === "slots.json" && e.dataset.p === p);
    if (found.length !== 1) fault(`the page does not show once what slots.json says of ${name} at ${p}`, $(where === ".gaps" ? "unknown" : "outputs"));
  }
  const gaps = slots.reduce((n, slot) => n + slot.gaps.length, 0);
  return `${slots.length} outputs stand on the page` + (gaps ? `, with their ${gaps} gaps` : "");
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
