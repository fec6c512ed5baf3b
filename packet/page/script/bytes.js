// Bytes, digests and signatures.

const utf8 = new TextEncoder();

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
