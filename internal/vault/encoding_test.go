package vault

import "testing"

// TestDecodeRefuses cuts what encode wrote at every byte. Only between two
// disclosures is what is left a whole list.
func TestDecodeRefuses(t *testing.T) {
	data := encode(disclosures[:1])
	for n := 1; n < len(data); n++ {
		if list, err := decode(data[:n]); err == nil {
			t.Errorf("%d of %d bytes are read as %+v", n, len(data), list)
		}
	}
	if list, err := decode(append(data, 200)); err == nil {
		t.Errorf("with a byte too many it is read as %+v", list)
	}
}
