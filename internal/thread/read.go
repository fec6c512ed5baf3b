package thread

import (
	"context"

	"github.com/evidencefactory/evf/evidence"
	"github.com/evidencefactory/evf/internal/recorder"
	"github.com/evidencefactory/evf/internal/store"
)

// List reads a tenant's runs in order of id, that is of time, after the one
// given.
func (t *Threads) List(ctx context.Context, tenant store.Tenant, workflow string, after evidence.RunID, limit int) (list []store.Run, err error) {
	err = tenant.View(ctx, func(tx store.Tx) error {
		list, err = store.LoadAll[store.Run](tx, workflow, "", string(after), limit)
		return err
	})
	return list, err
}

// maxRun bounds the records of a run that are read into one story.
const maxRun = 10000

// Story reads a run and all its records, opened as far as the vault still can;
// of those that were expunged, the row alone.
// Where a workflow is given, runs of others are not found.
func (t *Threads) Story(ctx context.Context, tenant store.Tenant, workflow string, run evidence.RunID) (r store.Run, story []*recorder.Opened, err error) {
	var rows []store.Row
	err = tenant.View(ctx, func(tx store.Tx) error {
		if r, err = store.Load[store.Run](tx, string(run)); err != nil {
			return err
		}
		if workflow != "" && r.Workflow != workflow {
			return evidence.Errorf(evidence.NotFound, "", "no such run: %s", run)
		}
		rows, err = tx.RunRows(run, 0, maxRun+1)
		return err
	})
	if err != nil {
		return r, nil, err
	}
	if len(rows) > maxRun {
		return r, nil, evidence.Errorf(evidence.Invalid, "", "run %s has more than %d records", run, maxRun)
	}
	for _, row := range rows {
		if row.Expunged() {
			story = append(story, &recorder.Opened{Row: row})
			continue
		}
		o, err := t.rec.Open(ctx, tenant.ID(), row)
		if err != nil {
			return r, nil, err
		}
		story = append(story, o)
	}
	return r, story, nil
}
