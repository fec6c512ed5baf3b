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
