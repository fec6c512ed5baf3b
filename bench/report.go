package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// report is what one run found.
type report struct {
	Go       string  `json:"go"`
	CPUs     int     `json:"cpus"`
	Rounds   int     `json:"rounds"`
	Duration string  `json:"duration"` // of one cell in one round
	Kinds    []sized `json:"kinds"`
	Rows     []row   `json:"rows"`
	Aims     []aim   `json:"aims"`
}

// sized is a kind of record and its bytes.
type sized struct {
	Kind   string `json:"kind"`
	Draft  int    `json:"draft"`
	Record int    `json:"record"`
	Leaf   int    `json:"leaf"`
	Vault  int    `json:"vault"`
}

// row is one kind of record at one number of callers. Rates are records a
// second, the medians of the rounds; ratios are medians of each round's ratio.
type row struct {
	Kind     string  `json:"kind"`
	Callers  int     `json:"callers"`
	OfRaw    float64 `json:"recorder_of_raw"`
	OfBare   float64 `json:"recorder_of_bare"`
	Recorder float64 `json:"recorder"`
	Guarded  float64 `json:"guarded"`
	Raw      float64 `json:"raw"`
	Bare     float64 `json:"bare"`
}

// aim is a promise of the design, held against this run.
type aim struct {
	Kind    string  `json:"kind"`
	Callers int     `json:"callers"`
	Against string  `json:"against"`
	AtLeast float64 `json:"at_least"`
	Found   float64 `json:"found"`
	Met     bool    `json:"met"`
}

func newReport(cfg config, list []*kind, rates map[cell][]float64) *report {
	r := &report{Go: runtime.Version(), CPUs: runtime.GOMAXPROCS(0), Rounds: cfg.rounds, Duration: cfg.duration.String()}
	for _, k := range list {
		r.Kinds = append(r.Kinds, sized{string(k.typ), len(k.draft), len(k.sample.record), len(k.sample.leaf), len(k.sample.vault)})
		for _, callers := range callerCounts {
			of := func(name string) []float64 { return rates[cell{string(k.typ), callers, name}] }
			row := row{Kind: string(k.typ), Callers: callers,
				OfRaw: ratio(of(nameRecorder), of(nameRaw)), OfBare: ratio(of(nameRecorder), of(nameBare)),
				Recorder: median(of(nameRecorder)), Guarded: median(of(nameGuarded)), Raw: median(of(nameRaw)), Bare: median(of(nameBare))}
			r.Rows = append(r.Rows, row)
			switch callers {
			case 1:
				r.Aims = append(r.Aims, newAim(row, nameRaw, row.OfRaw))
			case 256:
				r.Aims = append(r.Aims, newAim(row, nameBare, row.OfBare))
			}
		}
	}
	return r
}

func newAim(r row, against string, found float64) aim {
	const atLeast = 0.5
	return aim{r.Kind, r.Callers, against, atLeast, found, found >= atLeast}
}

// ratio is the median of the rounds' ratios.
func ratio(a, b []float64) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	return median(ratios)
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

const legend = `
recorder   parse a draft's JSON, validate, withhold, encrypt, store, project
guarded    the same behind a guard that reads three projections, as a submission over the API does
raw        the same bytes appended to one file, synced once a group
bare       the same bytes inserted into the same table and indexes of SQLite, and nothing else
Every figure is of records a second, answered after they were synced. %d rounds of %s a cell, medians; %d CPUs, %s.
`

func (r *report) print(to io.Writer) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "record\tcallers\tof raw\tof bare\trecorder/s\tguarded/s\traw/s\tbare/s\t")
	for _, row := range r.Rows {
		fmt.Fprintf(w, "%s\t%d\t%.2f\t%.2f\t%.0f\t%.0f\t%.0f\t%.0f\t\n", row.Kind, row.Callers, row.OfRaw, row.OfBare, row.Recorder, row.Guarded, row.Raw, row.Bare)
	}
	w.Flush() // to memory
	fmt.Fprintln(&b)
	for _, a := range r.Aims {
		verdict := "aim missed"
		if a.Met {
			verdict = "aim met   "
		}
		fmt.Fprintf(&b, "%s  %-17s %4d callers: %.2f of %s, at least %.2f\n", verdict, a.Kind, a.Callers, a.Found, a.Against, a.AtLeast)
	}
	fmt.Fprintln(&b)
	for _, k := range r.Kinds {
		fmt.Fprintf(&b, "%-17s a draft of %d bytes makes a record of %d, a leaf of %d and %d in the vault's block\n", k.Kind, k.Draft, k.Record, k.Leaf, k.Vault)
	}
	fmt.Fprintf(&b, legend, r.Rounds, r.Duration, r.CPUs, r.Go)
	_, err := io.WriteString(to, b.String())
	return err
}
