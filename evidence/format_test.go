package evidence

import (
	"encoding/base64"
	"os"
	"regexp"
	"strings"
	"testing"
)

const formatPage = "../docs/formats/leaf-and-record.md"

// examplesOf reads the code blocks that a page names with example=NAME.
func examplesOf(t *testing.T, path string) map[string]string {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string]string{}
	for _, m := range regexp.MustCompile("(?s)\n```[a-z]* example=([a-z-]+)\n(.*?)\n```\n").FindAllStringSubmatch(string(page), -1) {
		blocks[m[1]] = m[2]
	}
	return blocks
}

// The page's worked example, made again from what it starts with: the body as
// it was submitted and the salts.
func TestFormatPageExample(t *testing.T) {
	page := examplesOf(t, formatPage)
	salts := [][]byte{countedSalt(0x10), countedSalt(0x20)}
	w := Withholder{Salt: func() []byte {
		next := salts[0]
		salts = salts[1:]
		return next
	}}
	shape := TypeApprovalDecided.Shape()
	submitted := mustParse(t, page["submitted"])
	checkFault(t, shape.Check("", submitted), "", "")
	sealed, disclosures, withheld, err := w.Withhold(shape, submitted)
	if err != nil {
		t.Fatal(err)
	}
	r := Record{
		Salt: base64.RawURLEncoding.EncodeToString(countedSalt(0)), ID: "019cae90-6f00-7a11-8c4e-52f1d0a9b301", Type: TypeApprovalDecided,
		Occurred: "2026-03-02T09:15:04.000000000Z", Received: "2026-03-02T09:15:04.018220417Z",
		Run:      "019cae8f-1580-7c02-9b70-0d5ee1f3a201",
		Links:    []Link{{"action", "019cae8f-8ab0-7d33-a1f2-94b7c6e8d402"}, {"approval", "019cae8f-9e38-7e44-b2a3-a5c8d7f9e503"}},
		Workflow: &WorkflowRef{"invoice-posting", DigestOf([]byte("manifest")), "high", "enforce"},
		Actor:    Actor{"human", "p-7f3a"}, Source: Source{"inbox", "web", "1.0.0"},
		Body: sealed, Withheld: withheld,
	}
	record, _ := r.Canonical()
	leaf := Leaf{Tenant: "acme", Seq: 0, Prev: ZeroDigest, ID: r.ID, Type: r.Type, Received: r.Received, Digest: DigestOf(record)}
	raw := func(i int) string {
		return string(must(base64.RawURLEncoding.DecodeString(disclosures[i].Text)))
	}
	want := map[string]string{
		"disclosure-name": raw(0), "disclosure-comment": raw(1),
		"text-name": disclosures[0].Text, "text-comment": disclosures[1].Text,
		"commitment-name": disclosures[0].Digest(), "commitment-comment": disclosures[1].Digest(),
		"record": string(record), "record-digest": string(DigestOf(record)),
		"leaf": string(leaf.Canonical()), "leaf-digest": string(DigestOf(leaf.Canonical())),
	}
	for name, text := range want {
		if page[name] != text {
			t.Errorf("example %s of the page is\n%s\nwant\n%s", name, page[name], text)
		}
	}
	checkPageReads(t, page)
}

// checkPageReads goes the other way, as a verifier does: from the page's bytes
// to the body as it was submitted.
func checkPageReads(t *testing.T, page map[string]string) {
	t.Helper()
	leaf, err := ParseLeaf([]byte(page["leaf"]))
	if err != nil || leaf.Digest != DigestOf([]byte(page["record"])) {
		t.Fatalf("the page's leaf does not seal its record: %v", err)
	}
	r, err := ParseRecord([]byte(page["record"]))
	if err != nil {
		t.Fatal(err)
	}
	checkFault(t, r.Type.Shape().CheckSealed(r.Body, r.Withheld), "", "")
	body, err := Reveal(r.Body, []Disclosure{
		{Pointer: "/approver_name", Text: page["text-name"]}, {Pointer: "/comment", Text: page["text-comment"]},
	})
	if err != nil || string(body.Canonical()) != string(mustParse(t, page["submitted"]).Canonical()) {
		t.Errorf("revealed %s, %v", body.Canonical(), err)
	}
}

// The page's table of numbers says what ParseValue does.
func TestFormatPageNumbers(t *testing.T) {
	page := examplesOf(t, formatPage)
	lines := strings.Split(page["numbers"], "\n")
	if len(lines) < 8 {
		t.Fatalf("%d numbers in the page", len(lines))
	}
	for _, line := range lines {
		lit, rest, _ := strings.Cut(line, " ")
		want := strings.TrimSpace(rest)
		v, err := ParseValue([]byte(lit))
		if got := string(v.Canonical()); (err != nil) != (want == "refused") || err == nil && got != want {
			t.Errorf("%s: %s, %v; the page says %s", lit, got, err, want)
		}
	}
}

// countedSalt is a salt of bytes that count up from first.
func countedSalt(first byte) []byte {
	salt := make([]byte, SaltSize)
	for i := range salt {
		salt[i] = first + byte(i)
	}
	return salt
}
