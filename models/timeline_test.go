package models_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
)

// TestReaderNeverSkips is I7: while writers on several nodes append, commit
// and roll back, a reader that goes from cursor to cursor meets every number,
// one after the other, and at the end every entry that was promised.
func TestReaderNeverSkips(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		const nodes, writers, each = 3, 6, 30
		reader := p.Open(t, "reader")
		written := make(chan struct{})
		var all sync.WaitGroup
		for n := range nodes {
			db := p.Open(t, fmt.Sprint("node-", n))
			for w := range writers {
				all.Go(func() { appendSome(t, db, fmt.Sprint(n, w), each) })
			}
		}
		go func() { all.Wait(); close(written) }()
		seen := follow(t, reader, written)
		if want := nodes * writers * each; len(seen) != want {
			t.Errorf("saw %d entries, %d were promised", len(seen), want)
		}
	})
}

// appendSome writes single entries and pairs, and gives up every third write.
func appendSome(t *testing.T, db *models.DB, name string, each int) {
	changedMyMind := errors.New("changed my mind")
	for i := range each {
		err := db.Write(t.Context(), name, func(tx *models.Tx) error {
			tx.Append(note("inc_"+name, fmt.Sprint(name, "-", i)))
			if i%3 == 0 {
				tx.Append(note("inc_"+name, "never to be seen"))
				return changedMyMind
			}
			return nil
		})
		if errors.Is(err, changedMyMind) {
			err = db.Write(t.Context(), name, func(tx *models.Tx) error {
				tx.Append(note("inc_"+name, fmt.Sprint(name, "-", i)))
				return nil
			})
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// follow reads on until the writers are done and nothing is left.
func follow(t *testing.T, db *models.DB, written <-chan struct{}) map[string]bool {
	t.Helper()
	seen, cursor, last := map[string]bool{}, int64(0), false
	for {
		batch, err := db.Timeline().Since(t.Context(), cursor, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range batch {
			if e.Seq != cursor+1 {
				t.Fatalf("after %d comes %d", cursor, e.Seq)
			}
			if cursor = e.Seq; seen[e.Detail.Text] || e.Detail.Text == "never to be seen" {
				t.Errorf("entry %q should not be here", e.Detail.Text)
			}
			seen[e.Detail.Text] = true
		}
		if len(batch) > 0 {
			continue
		}
		if last {
			return seen
		}
		select {
		case <-written:
			last = true // one more look: what was committed before we asked
		default:
		}
	}
}

// TestRollbackLeavesNoGap: the second write fails after it was given its
// number, and gives it back.
func TestRollbackLeavesNoGap(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		noTime := note("inc_1", "never to be seen")
		noTime.At = time.Time{}
		for _, e := range []incident.Entry{note("inc_1", "first"), noTime, note("inc_1", "second")} {
			err := db.Write(t.Context(), "k", func(tx *models.Tx) error { tx.Append(e); return nil })
			if (err != nil) != e.At.IsZero() {
				t.Errorf("%s: %v", e.Detail.Text, err)
			}
		}
		if got := texts(t, db); !slices.Equal(got, []string{"first", "second"}) {
			t.Errorf("the log has %v", got)
		}
	})
}

func TestHeadSaysWhereTheLogStands(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		head, err := db.Timeline().Head(t.Context())
		if err != nil || head.Seq != 0 || head.Oldest != 0 || head.Epoch == "" {
			t.Errorf("an empty log: %+v, %v", head, err)
		}
		appendSome(t, db, "a", 4)
		after, err := db.Timeline().Head(t.Context())
		if err != nil || after.Seq != 4 || after.Oldest != 1 || after.Epoch != head.Epoch {
			t.Errorf("after four entries: %+v, %v", after, err)
		}
	})
}

// TestFollowersAreNudgedAfterTheCommit: when the word comes, the entry is there.
func TestFollowersAreNudgedAfterTheCommit(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		db := p.Open(t, "a")
		heads := make(chan int64, 100)
		db.OnAppend(func(head int64) { heads <- head })
		appendSome(t, db, "a", 1)
		for head := range heads {
			if head == 0 {
				continue // "something may have been said while nobody listened"
			}
			if got := entries(t, db); head != 1 || len(got) != 1 {
				t.Errorf("told of %d, found %d entries", head, len(got))
			}
			return
		}
	})
}

// TestNodesTellEachOther: an append on one node wakes the followers of another.
// A node that begins to listen after the word was given looks by itself, so
// whichever comes first, there is a nudge after the commit.
func TestNodesTellEachOther(t *testing.T) {
	t.Parallel()
	p := modelstest.Postgres(t)
	a, b := p.Open(t, "node a"), p.Open(t, "node b")
	nudged := make(chan int64, 100)
	b.OnAppend(func(head int64) { nudged <- head })
	appendSome(t, a, "x", 1)
	for head := range nudged {
		if got := entries(t, b); len(got) == 1 {
			return
		} else if head > 0 {
			t.Fatalf("told of %d, found %d entries", head, len(got))
		}
	}
}

func TestTimelineIsPrunedFromItsBeginning(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		for i := range 5 {
			e := note("inc_1", strconv.Itoa(i))
			e.At = noon.AddDate(0, 0, i)
			if err := db.Write(t.Context(), "k", func(tx *models.Tx) error { tx.Append(e); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		prune := func(days int) (kept []incident.Entry) {
			if _, err := db.Prune(t.Context(), noon.AddDate(0, 0, days), models.Retention{Timeline: 24 * time.Hour}); err != nil {
				t.Fatal(err)
			}
			return entries(t, db)
		}
		if kept := prune(3); len(kept) != 3 || kept[0].Seq != 3 {
			t.Errorf("kept %+v", kept)
		}
		if kept := prune(100); len(kept) != 1 || kept[0].Seq != 5 {
			t.Errorf("the newest entry must stay: %+v", kept)
		}
		head, err := db.Timeline().Head(t.Context())
		if err != nil || head.Seq != 5 || head.Oldest != 5 {
			t.Errorf("head %+v, %v", head, err)
		}
	})
}
