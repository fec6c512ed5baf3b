package packet

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/evidencefactory/evf/internal/datatest"
)

// The one vector of DSSE's authors: what is signed is what they sign. Their
// envelope is not a packet's: it has another type, and no key is named.
func TestDSSEVector(t *testing.T) {
	page := datatest.Read(t, "conformance", "dsse", "protocol.md")
	_, vectors, _ := strings.Cut(string(page), "## Test Vectors")
	after := func(pattern string) string {
		m := regexp.MustCompile(`(?s)` + pattern).FindStringSubmatch(vectors)
		if m == nil {
			t.Fatalf("the page shows no %s", pattern)
		}
		return m[1]
	}
	number := func(name string) *big.Int {
		n, ok := new(big.Int).SetString(after(name+`: (\d+)`), 10)
		if !ok {
			t.Fatalf("%s is no number", name)
		}
		return n
	}
	body, typ := after("SERIALIZED_BODY:\n\n```none\n(.*?)\n```"), after("PAYLOAD_TYPE:\n\n```none\n(.*?)\n```")
	if got := string(preAuth(typ, []byte(body))); got != after("PAE:\n\n```none\n(.*?)\n```") {
		t.Errorf("what is signed is %q", got)
	}
	var env envelope
	text := after("```json\n(.*?)\n```")
	if err := json.Unmarshal([]byte(text), &env); err != nil {
		t.Fatal(err)
	}
	point := append([]byte{4}, number("X").FillBytes(make([]byte, 32))...)
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(point, number("Y").FillBytes(make([]byte, 32))...))
	if err != nil {
		t.Fatal(err)
	}
	sig, ok := unbase64(base64.StdEncoding, env.Signatures[0].Sig)
	payload, ok2 := unbase64(base64.StdEncoding, env.Payload)
	if !ok || !ok2 || len(sig) != 64 {
		t.Fatalf("envelope %+v", env)
	}
	r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
	holds := func(message []byte) bool {
		sum := sha256.Sum256(message)
		return ecdsa.Verify(key, sum[:], r, s)
	}
	if !holds(preAuth(env.PayloadType, payload)) {
		t.Error("the vector's signature does not hold")
	}
	for name, message := range map[string][]byte{
		"another type": preAuth(env.PayloadType+"x", payload), "another body": preAuth(env.PayloadType, append(payload, '!')),
		"a space moved from type to body": preAuth("http://example.com/HelloWorld 11", []byte("hello world")),
	} {
		if holds(message) {
			t.Errorf("%s: the signature holds", name)
		}
	}
	ours, err := canonical(env)
	if err != nil {
		t.Fatal(err)
	}
	for name, manifest := range map[string][]byte{"as it is shown": []byte(text), "in canonical form": ours} {
		p := &Packet{files: []file{{fileManifest, manifest}}}
		if err := p.readManifest(); err == nil {
			t.Errorf("%s: the envelope is a packet's", name)
		}
	}
}
