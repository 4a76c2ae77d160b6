package models_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/setup"
)

func TestTheRowsInGoAreTheColumnsOfTheDatabase(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		inGo, inDatabase, err := db.Columns(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(inDatabase, inGo); diff != "" {
			t.Errorf("-database +Go\n%s", diff)
		}
	})
}

func TestPeopleAreFoundByEmailAndID(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		ana, accounts := settled(t, db).Users[0], db.Accounts()
		full(t, ana)
		byEmail, err := accounts.UserByEmail(t.Context(), "ANA@example.com")
		if err != nil {
			t.Fatal(err)
		}
		byID, err := accounts.UserByID(t.Context(), ana.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []auth.User{byEmail, byID} {
			if diff := cmp.Diff(ana, got); diff != "" {
				t.Error(diff)
			}
		}
		for _, email := range []string{"zoe@example.com", "", "ana\x00@example.com", "\xff"} {
			if _, err := accounts.UserByEmail(t.Context(), email); err == nil || fault.KindOf(err) != fault.NotFound {
				t.Errorf("%q: got %v", email, err)
			}
		}
	})
}

// signedIn stores a living session of the person with one unused link.
func signedIn(t *testing.T, db *models.DB, userID string) (auth.Session, auth.Refresh) {
	t.Helper()
	s := aSession(userID)
	s.RevokedAt, s.RevokedWhy = time.Time{}, ""
	r := auth.Refresh{Hash: s.ID + "#1", SessionID: s.ID, CreatedAt: noon}
	if err := db.Accounts().CreateSession(t.Context(), s, r); err != nil {
		t.Fatal(err)
	}
	return s, r
}

func TestANewPasswordOrADisabledAccountEndsTheSessions(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		users := settled(t, db).Users
		for _, tc := range []struct {
			why    string
			change func(*auth.User)
		}{
			{"", func(u *auth.User) { u.Name = "Somebody Else" }},
			{"password_changed", func(u *auth.User) { u.PasswordHash = "$argon2id$another" }},
			{"user_disabled", func(u *auth.User) { u.Disabled = true }},
		} {
			ben, current := users[1], must(db.Setup().Configuration(t.Context()))
			ses, _ := signedIn(t, db, ben.ID)
			other, _ := signedIn(t, db, users[0].ID)
			tc.change(&ben)
			if err := db.Setup().Apply(t.Context(), setup.Changes{Version: current.Version, Users: []auth.User{ben}}); err != nil {
				t.Fatal(err)
			}
			if got := must(db.Accounts().Session(t.Context(), ses.ID)); got.RevokedWhy != tc.why || got.RevokedAt.IsZero() != (tc.why == "") {
				t.Errorf("the session was ended at %s, because %q; want %q", got.RevokedAt, got.RevokedWhy, tc.why)
			}
			ended := must(db.Accounts().RevokedSince(t.Context(), must(db.Clock(t.Context())).Add(-time.Hour)))
			if slices.Contains(ended, ses.ID) != (tc.why != "") || slices.Contains(ended, other.ID) {
				t.Errorf("of %s and %s, these have ended: %v", ses.ID, other.ID, ended)
			}
			if got := must(db.Accounts().Session(t.Context(), other.ID)); !got.RevokedAt.IsZero() {
				t.Errorf("somebody else's session was ended: %q", got.RevokedWhy)
			}
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestSessionsAndLinksComeBackWhole(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		s := aSession(settled(t, db).Users[0].ID)
		r := auth.Refresh{Hash: "h1", SessionID: s.ID, CreatedAt: noon, UsedAt: noon.Add(time.Minute)}
		full(t, s)
		full(t, r)
		if err := db.Accounts().CreateSession(t.Context(), s, r); err != nil {
			t.Fatal(err)
		}
		got, err := db.Accounts().Session(t.Context(), s.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, got); diff != "" {
			t.Error(diff)
		}
		err = db.Accounts().UseRefresh(t.Context(), "h1", func(gotSession auth.Session, gotLink auth.Refresh) (auth.RefreshVerdict, error) {
			if diff := cmp.Diff(s, gotSession) + cmp.Diff(r, gotLink); diff != "" {
				t.Error(diff)
			}
			return auth.RefreshVerdict{}, nil
		})
		if err != nil {
			t.Error(err)
		}
		if _, err := db.Accounts().Session(t.Context(), "ses_none"); err == nil || fault.KindOf(err) != fault.NotFound {
			t.Errorf("a session that is not there: %v", err)
		}
	})
}

// links gives what a judge would see of each link.
func links(t *testing.T, db *models.DB, hashes ...string) map[string]time.Time {
	t.Helper()
	used := map[string]time.Time{}
	for _, h := range hashes {
		err := db.Accounts().UseRefresh(t.Context(), h, func(_ auth.Session, r auth.Refresh) (auth.RefreshVerdict, error) {
			used[h] = r.UsedAt
			return auth.RefreshVerdict{}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return used
}

func TestARefreshTokenIsRotatedAndItsReuseEndsTheFamily(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		s, first := signedIn(t, db, settled(t, db).Users[0].ID)
		accounts := db.Accounts()
		next := auth.Refresh{Hash: s.ID + "#2", SessionID: s.ID, CreatedAt: noon.Add(time.Minute)}
		rotate := func(at time.Time, next *auth.Refresh) error {
			return accounts.UseRefresh(t.Context(), first.Hash, func(auth.Session, auth.Refresh) (auth.RefreshVerdict, error) {
				return auth.RefreshVerdict{UsedAt: at, Next: next, At: at}, nil
			})
		}
		if err := rotate(noon.Add(time.Minute), &next); err != nil {
			t.Fatal(err)
		}
		// A judge that marks the link again does not prolong the grace.
		if err := rotate(noon.Add(time.Hour), nil); err != nil {
			t.Fatal(err)
		}
		want := map[string]time.Time{first.Hash: noon.Add(time.Minute), next.Hash: {}}
		if diff := cmp.Diff(want, links(t, db, first.Hash, next.Hash)); diff != "" {
			t.Error(diff)
		}

		stolen := errors.New("used twice")
		err := accounts.UseRefresh(t.Context(), first.Hash, func(auth.Session, auth.Refresh) (auth.RefreshVerdict, error) {
			return auth.RefreshVerdict{Revoke: "reuse", At: noon.Add(2 * time.Hour)}, stolen
		})
		if !errors.Is(err, stolen) {
			t.Errorf("the judge's error got lost: %v", err)
		}
		if err := accounts.RevokeSession(t.Context(), s.ID, "signed_out", noon.Add(3*time.Hour)); err != nil {
			t.Error(err)
		}
		got, err := accounts.Session(t.Context(), s.ID)
		if err != nil || got.RevokedWhy != "reuse" || !got.RevokedAt.Equal(noon.Add(2*time.Hour)) {
			t.Errorf("what the judge asked for beside its error was not kept, or overwritten: %+v, %v", got, err)
		}
		for _, err := range []error{
			accounts.UseRefresh(t.Context(), "unknown", func(auth.Session, auth.Refresh) (auth.RefreshVerdict, error) {
				t.Error("judged a link that is not there")
				return auth.RefreshVerdict{}, nil
			}),
			accounts.RevokeSession(t.Context(), "ses_none", "signed_out", noon),
		} {
			if err == nil || fault.KindOf(err) != fault.NotFound {
				t.Errorf("got %v", err)
			}
		}
	})
}

// Two answers to one token would be two living chains: however many requests
// and nodes present it at once, one judge sees it unused.
func TestATokenPresentedTwiceAtOnceIsJudgedInTurn(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		nodes := []*models.DB{p.Open(t, "node-a")}
		if p.Engine == "postgres" {
			nodes = append(nodes, p.Open(t, "node-b"))
		}
		_, link := signedIn(t, nodes[0], settled(t, nodes[0]).Users[0].ID)
		unused := make([]bool, 16)
		var all sync.WaitGroup
		for i := range unused {
			all.Go(func() {
				err := nodes[i%len(nodes)].Accounts().UseRefresh(context.Background(), link.Hash, func(_ auth.Session, r auth.Refresh) (auth.RefreshVerdict, error) {
					unused[i] = r.UsedAt.IsZero()
					return auth.RefreshVerdict{UsedAt: noon, At: noon}, nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		n := 0
		for _, u := range unused {
			if u {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d judges saw the token unused", n)
		}
	})
}

func aKey(kid string, from time.Time) auth.SigningKey {
	return auth.SigningKey{KID: kid, Public: []byte{1, 2}, Sealed: []byte{0, 255}, CreatedAt: noon, SignFrom: from, RetireAt: from.Add(48 * time.Hour)}
}

func TestOfNodesThatRotateAtOnceOneAddsAKey(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		nodes := []*models.DB{p.Open(t, "node-a")}
		if p.Engine == "postgres" {
			nodes = append(nodes, p.Open(t, "node-b"), p.Open(t, "node-c"))
		}
		added := make([]bool, 9)
		var all sync.WaitGroup
		for i := range added {
			all.Go(func() {
				var err error
				if added[i], err = nodes[i%len(nodes)].Accounts().AddSigningKey(context.Background(), aKey(string(rune('a'+i)), noon), noon.Add(-time.Hour)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		keys, err := nodes[0].Accounts().SigningKeys(t.Context())
		if err != nil || len(keys) != 1 {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		for i, was := range added {
			if was != (keys[0].KID == string(rune('a'+i))) {
				t.Errorf("%d was told %v, but %s was stored", i, was, keys[0].KID)
			}
		}
	})
}

func TestSigningKeysComeBackWholeAndInOrder(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		first, second := aKey("k9", noon), aKey("k1", noon.Add(24*time.Hour))
		full(t, first)
		for _, k := range []auth.SigningKey{first, second} {
			if added, err := db.Accounts().AddSigningKey(t.Context(), k, k.SignFrom); err != nil || !added {
				t.Fatalf("%s: %v, %v", k.KID, added, err)
			}
		}
		got, err := db.Accounts().SigningKeys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]auth.SigningKey{first, second}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFailedLoginsAreCountedInTheirWindow(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		count := func(key string, at time.Duration) int {
			t.Helper()
			n, err := db.Accounts().CountLogin(t.Context(), key, noon.Add(at), noon.Add(at-15*time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		long := strings.Repeat("x", 10_000)
		for i, step := range []struct {
			key  string
			at   time.Duration
			want int
		}{
			{"ana", 0, 1}, {"ana", time.Minute, 2}, {"ben", time.Minute, 1}, {"ana", 15 * time.Minute, 3},
			{"ana", 16*time.Minute + time.Second, 2}, {long + "a", 0, 1}, {long + "b", 0, 1}, {long + "a", 1, 2}, {"nul\x00", 0, 1},
		} {
			if got := count(step.key, step.at); got != step.want {
				t.Errorf("step %d: %d failures, want %d", i, got, step.want)
			}
		}
		// Three of one moment, and one of them was good.
		for want := range 3 {
			if got := count("team", 18*time.Minute); got != want+1 {
				t.Errorf("%d of the team, want %d", got, want+1)
			}
		}
		for _, when := range []time.Duration{18 * time.Minute, 17 * time.Minute} { // the second was never counted
			if err := db.Accounts().UncountLogin(t.Context(), "team", noon.Add(when)); err != nil {
				t.Fatal(err)
			}
		}
		if got := count("team", 18*time.Minute); got != 3 {
			t.Errorf("after one was taken back and one more came: %d, want 3", got)
		}
		if err := db.Accounts().ClearLogins(t.Context(), "ana"); err != nil {
			t.Fatal(err)
		}
		if got := count("ana", 17*time.Minute); got != 1 {
			t.Errorf("after a success: %d failures", got)
		}
	})
}

func TestAnAttackOnOneAccountDoesNotFillTheDatabase(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		var all sync.WaitGroup
		for range auth.MaxAttempts + 100 {
			all.Go(func() {
				if n, err := db.Accounts().CountLogin(context.Background(), "ana", noon, noon); err != nil || n > auth.MaxAttempts+1 {
					t.Errorf("%d, %v", n, err)
				}
			})
		}
		all.Wait()
		if rows, err := db.Count(t.Context(), "login_failures", "key = 'ana'"); err != nil || rows != auth.MaxAttempts {
			t.Errorf("%d rows, %v", rows, err)
		}
		// Whoever counts must see the widest limit broken.
		if n, err := db.Accounts().CountLogin(t.Context(), "ana", noon, noon); err != nil || n <= auth.MaxAttempts {
			t.Errorf("%d, %v", n, err)
		}
	})
}

func TestPruningForgetsWhatNobodyWillAskFor(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		userID, accounts := settled(t, db).Users[0].ID, db.Accounts()
		living, link := signedIn(t, db, userID)
		for _, used := range []time.Time{noon, noon.Add(6 * 24 * time.Hour)} {
			err := accounts.UseRefresh(t.Context(), link.Hash, func(auth.Session, auth.Refresh) (auth.RefreshVerdict, error) {
				old := auth.Refresh{Hash: used.String(), SessionID: living.ID, CreatedAt: noon, UsedAt: used}
				return auth.RefreshVerdict{Next: &old}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		ended := aSession(userID)
		ended.ExpiresAt = noon.AddDate(1, 0, 0)
		if err := accounts.CreateSession(t.Context(), ended, auth.Refresh{Hash: "x", SessionID: ended.ID, CreatedAt: noon}); err != nil {
			t.Fatal(err)
		}
		if _, err := accounts.AddSigningKey(t.Context(), aKey("old", noon), noon); err != nil {
			t.Fatal(err)
		}
		if _, err := accounts.CountLogin(t.Context(), "ana", noon, noon); err != nil {
			t.Fatal(err)
		}

		later := noon.Add(8 * 24 * time.Hour)
		prune := func(at time.Time, want int64) {
			t.Helper()
			if n, err := db.PruneAccounts(t.Context(), at); err != nil || n != want {
				t.Errorf("at %s: %d rows, %v; want %d", at, n, err, want)
			}
		}
		prune(noon.Add(time.Hour), 0)
		prune(later, 3) // the failure, the older of the used links, the retired key
		prune(later, 0)
		prune(noon.AddDate(0, 0, 31), 2) // the revoked session and the other used link
		if _, err := accounts.Session(t.Context(), living.ID); err != nil {
			t.Errorf("the living session: %v", err)
		}
		links(t, db, link.Hash)
		prune(noon.AddDate(0, 0, 61), 1)
	})
}
