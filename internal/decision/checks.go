package decision

import (
	"maps"
	"slices"
	"strconv"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/manifest"
	"github.com/evidencefactory/evf/internal/store"
)

// Counted are the outcomes of a result, by id, that its author may still record
// under the rules in force: a result is worth what its author is.
func (r *Rules) Counted(result store.Check) map[string]string {
	who, _ := r.Identity(result.Identity)
	counted := map[string]string{}
	for id, outcome := range result.Outcomes {
		if who.MayCheck(id) {
			counted[id] = outcome
		}
	}
	return counted
}

// Vouches reports whether an identity may record a whole suite, and so attest
// values under its name.
func Vouches(who manifest.Identity, suite string) bool { return who.MayCheck(suite + "/*") }

// Vouching are the checks whose authors may still vouch for what they attest.
func (s *State) Vouching() (list []store.Check) {
	for _, c := range s.Checks {
		if who, _ := s.Rules.Identity(c.Identity); c.Attests && Vouches(who, c.Suite) {
			list = append(list, c)
		}
	}
	return list
}

// outcomes are the results of checks by id, from identities that may still
// record them. Of two about one id, the one that did not pass counts.
func (s *State) outcomes() map[string]string {
	all := map[string]string{}
	for _, c := range s.Checks {
		for id, outcome := range s.Rules.Counted(c) {
			if have, twice := all[id]; !twice || passes(have) {
				all[id] = outcome
			}
		}
	}
	return all
}

func passes(outcome string) bool {
	return outcome == manifest.OutcomePass || outcome == manifest.OutcomeNotApplicable
}

// failed lists the checks that did not pass.
func failed(outcomes map[string]string) (list []string) {
	for _, id := range slices.Sorted(maps.Keys(outcomes)) {
		if !passes(outcomes[id]) {
			list = append(list, id)
		}
	}
	return list
}

// attestation is what checkers read from a document themselves.
type attestation struct {
	values  map[string]string
	doubted map[string]bool // two checkers say different things: nobody knows
}

// attested gathers the values of checkers who may still vouch for them.
func (s *State) attested() attestation {
	known := attestation{map[string]string{}, map[string]bool{}}
	for _, c := range s.Vouching() {
		for _, a := range s.Attests[c.Seq] {
			if v, ok := known.values[a.Name]; ok && v != a.Value {
				known.doubted[a.Name] = true
			}
			known.values[a.Name] = a.Value
		}
	}
	for name := range known.doubted {
		delete(known.values, name)
	}
	return known
}

// unattested names the arguments that should equal an attested value and do
// not. One left out does not equal the value that was attested for it.
func (s *State) unattested(values map[string]string, tool string, args evidence.Value) (names []string) {
	t, _ := s.Rules.Tool(tool)
	for _, arg := range t.Args {
		if arg.Attested == "" {
			continue
		}
		given, present := args.Get(arg.Name)
		want, known := values[arg.Attested]
		if text, plain := plainText(given); present != known || present && (!plain || text != want) {
			names = append(names, arg.Name)
		}
	}
	return names
}

// plainText is a scalar as checkers write it.
func plainText(v evidence.Value) (text string, plain bool) {
	switch v.Kind() {
	case evidence.String, evidence.Number:
		return v.Text(), true
	case evidence.Bool:
		return strconv.FormatBool(v.IsTrue()), true
	}
	return "", false
}
