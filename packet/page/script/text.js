// Text, as the page's maker prints it: see page_text.go.

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
