// Package en16931 judges invoices by the business rules of EN 16931-1, the
// European norm for electronic invoices.
//
// Each rule has one result for each document, so that a reader sees what was
// checked, not only what went wrong. The verdicts are meant to agree with the
// official validation artefacts of the Release named below, including their
// tolerances; the words are our own. Figures are exact decimals.
//
// The package is pure. It does not check the UBL schema, and of the code lists
// only those of a few hundred codes.
package en16931

import (
	"fmt"
	"slices"

	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

// Release is the release of the official validation artefacts (CEN/TC 434) that
// the rules follow; it is the Version of every rule here.
const Release = "1.3.16"

// Outcome is what a rule says about a document. A rule that cannot be decided,
// because a figure or date is not one, fails.
type Outcome string

const (
	Pass          Outcome = "pass"
	Fail          Outcome = "fail"
	NotApplicable Outcome = "not-applicable" // the document has nothing the rule speaks about
)

// Result is the verdict of one rule on one document.
type Result struct {
	ID      string
	Version string
	Outcome Outcome
	// Message says what is wrong, for people; "" unless something is. It names
	// elements, never their content, so it may be shown and kept in clear.
	Message string
	// Pointer is the XPath of the first element that fails; "" unless Outcome
	// is Fail.
	Pointer string
}

// RuleInfo describes a rule.
type RuleInfo struct {
	ID        string
	Version   string
	Group     Group
	Terms     string // the business terms and groups of EN 16931-1 that it reads: "BT-1", "BG-20, BT-92"
	Statement string // what holds in a document that passes
}

// Group is a family of rules.
type Group string

const (
	Documents  Group = "document"  // what the document as a whole says of itself
	Parties    Group = "party"     // seller, buyer, payee, tax representative, delivery
	Payments   Group = "payment"   // how to pay
	Lines      Group = "line"      // what is invoiced
	Allowances Group = "allowance" // allowances and charges
	Totals     Group = "totals"    // what the figures add up to
	VAT        Group = "vat"       // what holds for a category of VAT
	Decimals   Group = "decimals"  // how finely an amount is written
	Codes      Group = "codes"     // which codes there are
	Syntax     Group = "syntax"    // how UBL writes all this
)

// Rules lists the rules in the order in which Validate gives their results.
func Rules() []RuleInfo {
	infos := make([]RuleInfo, len(rules))
	for i, r := range rules {
		infos[i] = RuleInfo{r.id, Release, r.group, r.terms, r.statement}
	}
	return infos
}

// Validate applies every rule. It gives exactly one result for each, and never
// nil for a parsed document.
func Validate(doc *ubl.Document) []Result {
	in := survey(doc)
	results := make([]Result, len(rules))
	for i, r := range rules {
		results[i] = r.judge(in)
	}
	return results
}

// row is a row of the tables in this package.
type row struct {
	id, terms, statement string
	scope                scope
	check                check
}

// scope picks the elements that a rule speaks about, none if it does not apply.
type scope func(*invoice) []*ubl.Element

// check says what is wrong with one of them, "" if nothing is.
type check func(in *invoice, at *ubl.Element) (fault string)

// rule is a row with the family it belongs to.
type rule struct {
	row
	group Group
}

var rules = slices.Concat(
	family(Documents, documentRules, periodRules),
	family(Parties, partyRules),
	family(Payments, paymentRules),
	family(Lines, lineRules),
	family(Allowances, allowanceRules),
	family(Totals, totalsRules),
	family(VAT, breakdownRules, vatRules()),
	family(Decimals, decimalRules()),
	family(Codes, codeRules),
	family(Syntax, syntaxRules),
)

func family(group Group, tables ...[]row) []rule {
	var all []rule
	for _, r := range slices.Concat(tables...) {
		all = append(all, rule{r, group})
	}
	return all
}

func (r rule) judge(in *invoice) Result {
	result := Result{ID: r.id, Version: Release, Outcome: NotApplicable}
	others := 0
	for _, at := range r.scope(in) {
		fault := r.check(in, at)
		switch {
		case fault == "" && result.Outcome == NotApplicable:
			result.Outcome = Pass
		case fault != "" && result.Outcome == Fail:
			others++
		case fault != "":
			result.Outcome, result.Message, result.Pointer = Fail, fault, at.Path()
		}
	}
	if others > 0 {
		result.Message += fmt.Sprintf(" (and %d more like it)", others)
	}
	return result
}
