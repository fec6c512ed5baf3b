package packet_test

import (
	"fmt"
	"os"

	"github.com/evidencefactory/evf/packet"
)

// A reader has a packet and the verifier key of the log it came from, which
// the log's operator publishes elsewhere.
func Example() {
	data, err := os.ReadFile("testdata/run.evf.zip")
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := os.ReadFile("testdata/log.vkey")
	if err != nil {
		fmt.Println(err)
		return
	}

	report := packet.Verify(data, packet.Trust{Keys: []string{string(key)}})
	fmt.Println(report.Verdict, report.ExitCode())
	for _, slot := range report.Slots {
		fmt.Printf("%-13s %-9s %s\n", slot.Name, slot.State, slot.Summary)
	}

	report = packet.Verify(data, packet.Trust{})
	fmt.Println(report.Verdict, report.ExitCode())
	// Output:
	// valid 0
	// extraction    declared  1 field of 1 document
	// validation    evidenced 1 of 1 checks passed; 1 not applicable
	// authorization evidenced 2 decisions: 1 hold, 1 allow
	// routing       evidenced to ap-controller by vendor-bank@4
	// oversight     evidenced approved by p-2 as ap-controller
	// action        evidenced post_entry: entry E-17 read back from books
	// identity      evidenced poster started the run for p-1 (human); acted as poster under grant g-1
	// inputs        evidenced 1 document: 61bd5d95
	// operation     evidenced the run ended completed; no failure on record
	// undecidable 2
}
