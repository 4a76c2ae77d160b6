package models_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
)

// hold keeps the only writer busy until release is called, so that what is
// written meanwhile queues up into one batch.
func hold(t *testing.T, db *models.DB) (release func()) {
	t.Helper()
	busy, free, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var once sync.Once
	go func() {
		done <- db.Write(context.Background(), "", func(*models.Tx) error {
			once.Do(func() { close(busy) })
			<-free
			return nil
		})
	}()
	<-busy
	return func() {
		t.Helper()
		close(free)
		if err := <-done; err != nil {
			t.Errorf("the write that held the writer: %v", err)
		}
	}
}

// oneWriter makes batches sure: whatever waits is taken together.
func oneWriter(c *models.Config) { c.Writers = 1 }

func texts(t *testing.T, db *models.DB) []string {
	t.Helper()
	var all []string
	for i, e := range entries(t, db) {
		if e.Seq != int64(i)+1 {
			t.Errorf("entry %d has number %d: the log has a gap", i, e.Seq)
		}
		all = append(all, e.Detail.Text)
	}
	return all
}

func entries(t *testing.T, db *models.DB) []incident.Entry {
	t.Helper()
	all, err := db.Timeline().Since(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestOnlyTheFailingWriteOfABatchFails(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		db := p.Open(t, "a", oneWriter)
		refused := errors.New("no")
		release := hold(t, db)
		results := make([]error, 9)
		var queued sync.WaitGroup
		for i := range results {
			queued.Go(func() {
				results[i] = db.Write(t.Context(), strconv.Itoa(i), func(tx *models.Tx) error {
					tx.Append(note("inc_1", strconv.Itoa(i)))
					switch i {
					case 3:
						return refused
					case 6:
						panic("a bug")
					}
					return nil
				})
			})
		}
		waitQueued(t, db, len(results))
		release()
		queued.Wait()
		for i, err := range results {
			if bad := i == 3 || i == 6; bad != (err != nil) {
				t.Errorf("write %d: %v", i, err)
			}
		}
		if !errors.Is(results[3], refused) {
			t.Errorf("the refusal came back as %v", results[3])
		}
		got := texts(t, db)
		slices.Sort(got)
		if want := []string{"0", "1", "2", "4", "5", "7", "8"}; !slices.Equal(got, want) {
			t.Errorf("kept %v, want %v", got, want)
		}
	})
}

func TestBadRowOfABatchFailsAlone(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		db := p.Open(t, "a", oneWriter)
		release := hold(t, db)
		var good, bad error
		var queued sync.WaitGroup
		queued.Go(func() {
			good = db.Desk().Write(t.Context(), "1", opens(aCase("k1")))
		})
		queued.Go(func() {
			c := aCase("k2")
			c.Incident.Status = "on fire"
			bad = db.Desk().Write(t.Context(), "2", opens(c))
		})
		waitQueued(t, db, 2)
		release()
		queued.Wait()
		if good != nil || bad == nil {
			t.Errorf("good: %v, bad: %v", good, bad)
		}
	})
}

func TestWritesOfOneKeyRunInOrderAndCanRunTwice(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		db := p.Open(t, "a")
		for i := range 20 {
			tries := 0
			err := db.Write(t.Context(), "k", func(tx *models.Tx) error {
				tx.Append(note("inc_1", strconv.Itoa(i)))
				if tries++; i%5 == 0 && tries == 1 {
					return models.ErrRetry // as if another node had been first
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		got := texts(t, db)
		if len(got) != 20 {
			t.Errorf("%d entries, want 20: %v", len(got), got)
		}
		for i, text := range got {
			if text != strconv.Itoa(i) {
				t.Errorf("entry %d says %s", i, text)
			}
		}
	})
}

func TestRaceThatIsNeverWonIsReported(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		err := db.Write(t.Context(), "k", func(*models.Tx) error { return models.ErrRetry })
		if !fault.Is(err, "busy") || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("got %v", err)
		}
	})
}

func TestCallerWhoLeavesBeforeTheStartWritesNothing(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		db := p.Open(t, "a", oneWriter)
		release := hold(t, db)
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			left <- db.Write(ctx, "k", func(tx *models.Tx) error {
				tx.Append(note("inc_1", "should not be"))
				return nil
			})
		}()
		waitQueued(t, db, 1)
		leave()
		if err := <-left; !fault.Is(err, "overloaded") {
			t.Errorf("got %v", err)
		}
		release()
		if got := texts(t, db); len(got) != 0 {
			t.Errorf("written all the same: %v", got)
		}
	})
}

func TestCallerWhoLeavesAfterTheStartGetsTheTruth(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		ctx, leave := context.WithCancel(t.Context())
		err := db.Write(ctx, "k", func(tx *models.Tx) error {
			leave()
			tx.Append(note("inc_1", "kept"))
			return nil
		})
		if got := texts(t, db); err != nil || len(got) != 1 {
			t.Errorf("%v, kept %v", err, got)
		}
	})
}

func TestCloseFinishesWhatIsQueued(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		db := p.Open(t, "a", oneWriter)
		release := hold(t, db)
		result := make(chan error, 1)
		go func() {
			result <- db.Write(t.Context(), "k", func(tx *models.Tx) error {
				tx.Append(note("inc_1", "last words"))
				return nil
			})
		}()
		waitQueued(t, db, 1)
		closed := make(chan error, 1)
		go func() { closed <- db.Close() }()
		release()
		if err := <-result; err != nil {
			t.Errorf("the queued write: %v", err)
		}
		if err := <-closed; err != nil {
			t.Errorf("closing: %v", err)
		}
		if err := db.Write(t.Context(), "k", func(*models.Tx) error { return nil }); !fault.Is(err, "shutting_down") {
			t.Errorf("a write after the end: %v", err)
		}
		if got := texts(t, p.Open(t, "b")); !slices.Equal(got, []string{"last words"}) {
			t.Errorf("kept %v", got)
		}
	})
}

// waitQueued waits until n writes stand in the queue.
func waitQueued(t *testing.T, db *models.DB, n int) {
	t.Helper()
	for db.Queued() < n {
		if t.Context().Err() != nil {
			t.Fatal("the writes were never queued")
		}
		runtime.Gosched()
	}
}
