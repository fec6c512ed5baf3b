package redact

import (
	"strings"
	"testing"
)

// The texts that speed is stated for.
var speeds = []struct{ name, text string }{
	{"prose", strings.Repeat("The agent read the invoice, compared its lines with the order and found that the vendor had rounded the tax up. ", 100)},
	{"json", strings.Repeat(`{"document":"sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef","amount":"120050","currency":"EUR","run":"019cae8f-1580-7c02-9b70-0d5ee1f3a201","lines":[{"id":1,"net":"1000.00","rate":19}],"status":"posted"}`+"\n", 50)},
	{"findings", strings.Repeat("Write to ana@example.org or +49 30 1234567, card 4111 1111 1111 1111, password=hunter22 and AKIAIOSFODNN7EXAMPLE. ", 100)},
}

func BenchmarkScan(b *testing.B) {
	for _, s := range speeds {
		b.Run(s.name, func(b *testing.B) {
			b.SetBytes(int64(len(s.text)))
			for b.Loop() {
				Scan(s.text)
			}
		})
	}
}
