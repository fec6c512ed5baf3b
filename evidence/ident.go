package evidence

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"
)

// TenantID names a tenant: 1 to 63 of a-z, 0-9 and hyphen.
type TenantID string

// RecordID is a UUIDv7 (RFC 9562) in lower-case hyphenated form, chosen by
// the submitter, and one record's in its tenant. The same submitter may send
// the same record again and is answered as the first time.
type RecordID string

// RunID is the UUIDv7 of one execution of a workflow: the correlation id.
type RunID string

// ActionID is the UUIDv7 of one action, the same from the first request for
// it to its outcome.
type ActionID string

// ApprovalID is the UUIDv7 of one request for a person's decision.
type ApprovalID string

// Digest is "sha256:" and 64 lower-case hexadecimal digits.
type Digest string

const digestPrefix = "sha256:"

// ZeroDigest stands where there is nothing to digest: the first leaf's prev.
const ZeroDigest Digest = digestPrefix + "0000000000000000000000000000000000000000000000000000000000000000"

// DigestOf is the SHA-256 of data.
func DigestOf(data []byte) Digest { return digestFrom(sha256.Sum256(data)) }

func digestFrom(sum [sha256.Size]byte) Digest {
	buf := make([]byte, 0, len(ZeroDigest))
	return Digest(hex.AppendEncode(append(buf, digestPrefix...), sum[:]))
}

// SaltedDigest is SHA-256(salt ‖ canonical v). The salt must be 16 bytes, so
// that the boundary between the two is never in doubt.
func SaltedDigest(salt []byte, v Value) (Digest, error) {
	if len(salt) != SaltSize {
		return "", fmt.Errorf("a salt has %d bytes, not %d", SaltSize, len(salt))
	}
	return DigestOf(v.AppendCanonical(append(make([]byte, 0, 512), salt...))), nil
}

// Valid reports whether d has a digest's form.
func (d Digest) Valid() bool {
	return len(d) == len(ZeroDigest) && d[:len(digestPrefix)] == digestPrefix && isLowerHex(string(d[len(digestPrefix):]))
}

// Time is an instant as records hold it: RFC 3339 in UTC, exactly nine
// fractional digits and Z, so that byte order is time order.
type Time string

const timeLayout = "2006-01-02T15:04:05.000000000Z"

// TimeOf is t as records hold it.
func TimeOf(t time.Time) Time { return Time(t.UTC().Format(timeLayout)) }

// Parse is the instant; an error where t has not the form of a Time.
func (t Time) Parse() (at time.Time, err error) {
	// Of the forms that UnmarshalText knows only ours has this length, point
	// and end.
	if len(t) != len(timeLayout) || t[19] != '.' || t[29] != 'Z' || at.UnmarshalText([]byte(t)) != nil {
		return time.Time{}, fmt.Errorf("a time is written like %s (UTC, nine fractional digits, Z)", timeLayout)
	}
	return at, nil
}

// ParseTenant checks the form of a tenant's name.
func ParseTenant(s string) (TenantID, error) {
	ok := len(s) >= 1 && len(s) <= 63
	for i := 0; ok && i < len(s); i++ {
		c := s[i]
		ok = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
	}
	if !ok {
		return "", fmt.Errorf("a tenant's name is 1 to 63 of a-z, 0-9 and hyphen")
	}
	return TenantID(s), nil
}

// IsUUIDv7 reports whether s is a UUID of version 7 in lower-case hyphenated
// form (RFC 9562 section 5.7).
func IsUUIDv7(s string) bool {
	if len(s) != 36 || s[14] != '7' || s[19] < '8' || s[19] > 'b' {
		return false
	}
	for i := 0; i < len(s); i++ {
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen != (s[i] == '-') || !hyphen && !isLowerHex(s[i:i+1]) {
			return false
		}
	}
	return true
}

// strictBase64 decodes unpadded base64url in its one spelling. The length is
// compared because encoding/base64 skips line breaks even when strict.
func strictBase64(s string) ([]byte, bool) {
	data, err := base64URL.DecodeString(s)
	return data, err == nil && base64URL.EncodedLen(len(data)) == len(s)
}

var base64URL = base64.RawURLEncoding.Strict()

func isLowerHex(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
