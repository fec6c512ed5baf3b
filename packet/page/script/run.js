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
    await check("outputs", checkSlots);
    await check("what is closed", checkTaken);
    await check("facts", checkComplete);
  }
  say();
  $("trust").hidden = false;
};
run();
