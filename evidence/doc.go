// Package evidence holds the nouns of the house: what a caller may submit (a
// Draft), what is kept (a Record, and the Leaf that seals it), the catalogue
// of record types with the class of every field, canonical JSON, and the
// salted commitments that let a field be withheld and still be proven.
//
// The package is pure: it has no clock, randomness, disk, network or logger.
// Where time or salt is needed, it is an argument. The bytes it defines are
// described for other implementations in docs/formats/.
package evidence
