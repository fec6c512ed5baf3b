package en16931

import (
	"time"

	"github.com/evidencefactory/evf/examples/invoice/ubl"
)

var periodRules = []row{
	{"BR-29", "BT-73, BT-74", "The invoicing period does not end before it starts.", each("cac:InvoicePeriod").where(bounded), inOrder},
	{"BR-30", "BT-134, BT-135", "A line's period does not end before it starts.", inLines("cac:InvoicePeriod").where(bounded), inOrder},
	{"BR-CO-19", "BG-14", "An invoicing period has a start or an end, unless it only says what makes the VAT due.", each("cac:InvoicePeriod"), given("cbc:StartDate", "cbc:EndDate", "cbc:DescriptionCode")},
	{"BR-CO-20", "BG-26", "A line's period has a start or an end.", inLines("cac:InvoicePeriod"), given("cbc:StartDate", "cbc:EndDate")},
}

var bounded = having("cbc:StartDate", "cbc:EndDate")

func inOrder(_ *invoice, period *ubl.Element) string {
	from, begins := parseDate(period.First("cbc:StartDate").Value())
	to, ends := parseDate(period.First("cbc:EndDate").Value())
	switch {
	case !begins:
		return "cbc:StartDate is not a date"
	case !ends:
		return "cbc:EndDate is not a date"
	case to.Before(from):
		return "cbc:EndDate is before cbc:StartDate"
	}
	return ""
}

// parseDate reads an xs:date (XML Schema part 2, 3.2.9) of a year of four
// digits. One without time zone is taken as UTC.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range []string{time.DateOnly, time.DateOnly + "Z07:00"} {
		if date, err := time.Parse(layout, s); err == nil {
			return date, true
		}
	}
	return time.Time{}, false
}
