package en16931

import (
	"strings"

	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

// maxDecimals is what EN 16931-1 allows in an amount, whatever the currency.
const maxDecimals = 2

func decimalRules() []row {
	lineAllowances, lineCharges := inLinesOnly(allowance), inLinesOnly(charge)
	return []row{
		decimals("BR-DEC-01", "BT-92", "an allowance's amount", allowances, "cbc:Amount"),
		decimals("BR-DEC-02", "BT-93", "an allowance's base", allowances, "cbc:BaseAmount"),
		decimals("BR-DEC-05", "BT-99", "a charge's amount", charges, "cbc:Amount"),
		decimals("BR-DEC-06", "BT-100", "a charge's base", charges, "cbc:BaseAmount"),
		decimals("BR-DEC-09", "BT-106", "the sum of the lines", totals, "cbc:LineExtensionAmount"),
		decimals("BR-DEC-10", "BT-107", "the sum of allowances", totals, "cbc:AllowanceTotalAmount"),
		decimals("BR-DEC-11", "BT-108", "the sum of charges", totals, "cbc:ChargeTotalAmount"),
		decimals("BR-DEC-12", "BT-109", "the amount without VAT", totals, "cbc:TaxExclusiveAmount"),
		{"BR-DEC-13", "BT-110", decimalsOf("the VAT total in the document's currency"), taxIn("cbc:DocumentCurrencyCode"), fewDecimals},
		decimals("BR-DEC-14", "BT-112", "the amount with VAT", totals, "cbc:TaxInclusiveAmount"),
		{"BR-DEC-15", "BT-111", decimalsOf("the VAT total in the accounting currency"), taxIn("cbc:TaxCurrencyCode"), fewDecimals},
		decimals("BR-DEC-16", "BT-113", "the amount paid", totals, "cbc:PrepaidAmount"),
		decimals("BR-DEC-17", "BT-114", "the rounding", totals, "cbc:PayableRoundingAmount"),
		decimals("BR-DEC-18", "BT-115", "the amount due", totals, "cbc:PayableAmount"),
		decimals("BR-DEC-19", "BT-116", "a taxable amount", breakdown, "cbc:TaxableAmount"),
		decimals("BR-DEC-20", "BT-117", "a tax amount", breakdown, "cbc:TaxAmount"),
		decimals("BR-DEC-23", "BT-131", "a line's net amount", lines, "cbc:LineExtensionAmount"),
		decimals("BR-DEC-24", "BT-136", "a line allowance's amount", lineAllowances, "cbc:Amount"),
		decimals("BR-DEC-25", "BT-137", "a line allowance's base", lineAllowances, "cbc:BaseAmount"),
		decimals("BR-DEC-27", "BT-141", "a line charge's amount", lineCharges, "cbc:Amount"),
		decimals("BR-DEC-28", "BT-142", "a line charge's base", lineCharges, "cbc:BaseAmount"),
	}
}

// decimals is the rule for the amounts of one name in a scope.
func decimals(id, terms, what string, s scope, name string) row {
	return row{id, terms, decimalsOf(what), s.below(name), fewDecimals}
}

func decimalsOf(what string) string { return "No more than two decimals are written in " + what + "." }

// fewDecimals counts what is written, zeros too.
func fewDecimals(_ *invoice, amount *ubl.Element) string {
	if _, fraction, _ := strings.Cut(amount.Value(), "."); len(fraction) > maxDecimals {
		return amount.Name + " has more than two decimals"
	}
	return ""
}

// taxIn is the scope of the VAT totals in the currency that an element names.
func taxIn(code string) scope {
	return func(in *invoice) []*ubl.Element {
		if currency := in.root.First(code).Value(); currency != "" {
			return in.taxIn(currency)
		}
		return nil
	}
}
