package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/packet"
)

// TestMain lets the test binary do the tasks that a run starts as processes of
// their own.
func TestMain(m *testing.M) {
	if len(os.Args) == 5 && os.Args[1] == "-task" {
		if err := runTask(context.Background(), os.Args[2], os.Args[4]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	m.Run()
}

// TestMeasure runs every cell for a moment: drive itself holds what was
// answered against what is there, and tasks fail where a packet or a house is
// not as it was made.
func TestMeasure(t *testing.T) {
	cfg := config{records: 2 * small, dir: t.TempDir(), rounds: 1, warm: time.Millisecond, duration: 20 * time.Millisecond, progress: t.Logf}
	r, err := measure(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range r.Rows {
		for name, s := range map[string]speed{nameRecorder: row.Recorder, nameGuarded: row.Guarded, nameRaw: row.Raw, nameBare: row.Bare} {
			if s.Rate < 0 || row.Callers == 0 {
				t.Errorf("%s, %d callers, %s: %v", row.Kind, row.Callers, name, s)
			}
		}
	}
	if len(r.Tasks) != 3 || len(r.Sizes) != 2 {
		t.Errorf("%+v, %+v", r.Tasks, r.Sizes)
	}
	var b bytes.Buffer
	if err := r.print(&b); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(b.String(), "aim "); got != len(r.Aims) {
		t.Errorf("the report names %d aims of %d:\n%s", got, len(r.Aims), b.String())
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		list []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{4, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(c.list); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.list, got, c.want)
		}
	}
}

// BenchmarkPrepare is the recorder's share that needs no store.
func BenchmarkPrepare(b *testing.B) {
	list, err := kinds(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	h, err := openHouse(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer h.close()
	h.origin.Tenant = &capture{Tenant: h.tenant}
	for _, k := range list {
		b.Run(string(k.typ), func(b *testing.B) {
			a := &appender{house: h, kind: k, runs: []string{newID()}}
			b.ReportAllocs()
			spent := cpuTime()
			for b.Loop() {
				if err := a.append(b.Context(), 0); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime()-spent).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}

// BenchmarkVerify verifies the packet of a run of about ten thousand records.
func BenchmarkVerify(b *testing.B) {
	s, err := openSealed(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer s.close()
	run := evidence.RunID(newID())
	records, err := s.tell(b.Context(), run, 550)
	if err != nil {
		b.Fatal(err)
	}
	data, trust, err := s.packet(b.Context(), run)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d records, %d bytes", records, len(data))
	b.ReportAllocs()
	spent := cpuTime()
	for b.Loop() {
		if r := packet.Verify(data, trust); r.Verdict != packet.Valid {
			b.Fatalf("%+v", r.Checks)
		}
	}
	b.ReportMetric(float64((cpuTime()-spent).Nanoseconds())/float64(b.N*records), "cpu-ns/record")
}

// BenchmarkAppend has 256 callers append through everything.
func BenchmarkAppend(b *testing.B) {
	list, err := kinds(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	const callers = 256
	for _, k := range list {
		for name, open := range map[string]opener{nameRecorder: openRecorder, nameGuarded: openGuarded, nameBare: openBare} {
			b.Run(string(k.typ)+"/"+name, func(b *testing.B) {
				c, err := open(b.Context(), b.TempDir(), k, callers)
				if err != nil {
					b.Fatal(err)
				}
				each := func(n int) {
					var all sync.WaitGroup
					for caller := range callers {
						all.Go(func() {
							for range n {
								if err := c.append(b.Context(), caller); err != nil {
									b.Error(err)
								}
							}
						})
					}
					all.Wait()
				}
				each(1) // makes the runs' keys
				b.ResetTimer()
				spent := cpuTime()
				n := max(b.N/callers, 1)
				each(n)
				b.ReportMetric(float64((cpuTime()-spent).Nanoseconds())/float64(n*callers), "cpu-ns/op")
				if err := c.close(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
