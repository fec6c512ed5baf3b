package decision

import (
	"slices"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/manifest"
	"github.com/evidencefactory/evf/internal/store"
)

// Stops are the stop orders in force that cover a workflow.
func Stops(p store.Projections, workflow string) (list []store.Stop, err error) {
	for _, id := range []string{store.StopID(""), store.StopID(workflow)} {
		s, err := store.Load[store.Stop](p, id)
		switch {
		case err == nil && s.Status == store.StopEngaged:
			list = append(list, s)
		case err != nil && evidence.KindOf(err) != evidence.NotFound:
			return nil, err
		}
	}
	return list, nil
}

func sameStops(a, b []store.Stop) bool {
	return slices.EqualFunc(a, b, func(a, b store.Stop) bool { return a.Seq == b.Seq })
}

// Effect is what the caller must heed of a verdict: outside enforce mode it is
// recorded and never in the way. A stop order is, in every mode.
func (s *State) Effect(verdict string) string {
	if s.Rules.Mode != manifest.ModeEnforce && len(s.Stops) == 0 {
		return "allow"
	}
	return verdict
}
