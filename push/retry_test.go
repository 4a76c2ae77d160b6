package push

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// decided runs the decision on a page with some attempts behind it.
func decided(p Provider, attempt int, left time.Duration, r Result, rand float64) Outcome {
	o := sent(r.Class, "", func(o *Outcome) {
		o.Job.Device.Provider, o.Job.Delivery.Attempt, o.Result = p, attempt, r
		o.Job.Delivery.ExpiresAt = o.DoneAt.Add(left)
	})
	retry{rand: func() float64 { return rand }, probe: 30 * time.Second}.decide(&o)
	return o
}

func TestWhenToTryAgain(t *testing.T) {
	t.Parallel()
	plain := Result{Class: ClassRetry, Status: 500}
	for name, c := range map[string]struct {
		provider Provider
		attempt  int
		result   Result
		rand     float64
		want     time.Duration
	}{
		"APNs first":                 {APNs, 0, plain, 0.5, time.Second},
		"APNs first, early":          {APNs, 0, plain, 0, 500 * time.Millisecond},
		"APNs second":                {APNs, 1, plain, 0.5, 3 * time.Second},
		"APNs third":                 {APNs, 2, plain, 0.5, 10 * time.Second},
		"APNs much later":            {APNs, 12, plain, 0.5, 30 * time.Second},
		"FCM never before 10 s":      {FCM, 0, plain, 0, 10 * time.Second},
		"FCM second":                 {FCM, 1, plain, 0, 20 * time.Second},
		"FCM third":                  {FCM, 2, plain, 0, 40 * time.Second},
		"FCM quota":                  {FCM, 0, Result{Class: ClassProviderDown, Status: 429, Reason: "QUOTA_EXCEEDED"}, 0, time.Minute},
		"Retry-After wins":           {FCM, 0, Result{Class: ClassProviderDown, Status: 503, RetryAfter: 90 * time.Second}, 0, 90 * time.Second},
		"Retry-After wins, shorter":  {FCM, 0, Result{Class: ClassProviderDown, Status: 503, RetryAfter: 2 * time.Second}, 0, 2 * time.Second},
		"this device is flooded":     {APNs, 0, Result{Class: ClassDeviceThrottled, Status: 429}, 0.5, 30 * time.Second},
		"our key":                    {APNs, 3, Result{Class: ClassConfigBroken, Status: 403}, 0.5, 30 * time.Second},
		"cut by our own shutdown":    {APNs, 0, Result{Class: ClassCut}, 0.5, 0},
		"gone, if registered again":  {APNs, 0, Result{Class: ClassTokenDead, Status: 410}, 0.5, time.Second},
		"doubted, if it is replaced": {FCM, 0, Result{Class: ClassTokenSuspect, Status: 403}, 0, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := decided(c.provider, c.attempt, time.Hour, c.result, c.rand)
			if got := o.RetryAt.Sub(o.DoneAt); got != c.want {
				t.Errorf("tries again after %s, want %s (%s)", got, c.want, o.Why)
			}
		})
	}
}

func TestWhenNotToTryAgainItSaysWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outcome Outcome
		why     string
	}{
		"Retry-After beyond the expiry": {decided(FCM, 0, time.Minute, Result{Class: ClassProviderDown, Status: 503, RetryAfter: 2 * time.Minute}, 0), "2m0s from now"},
		"no time for FCM's ten seconds": {decided(FCM, 0, 9*time.Second, Result{Class: ClassRetry}, 0), "after the delivery expires"},
		"attempts used up":              {decided(APNs, pageAttempts-1, time.Hour, Result{Class: ClassRetry}, 0.5), "given up after 20 attempts"},
		"our bug":                       {decided(APNs, 0, time.Hour, Result{Class: ClassPayloadBug, Status: 400}, 0.5), "bug in Nightbell"},
		"too large even when lean":      {decided(APNs, 0, time.Hour, Result{Class: ClassTooLarge, Status: 413}, 0.5), "bug in Nightbell"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.outcome.Final != Failed || !c.outcome.RetryAt.IsZero() || !strings.Contains(c.outcome.Why, c.why) {
				t.Errorf("%s, again at %v, %q; want failed, because %q", c.outcome.Final, c.outcome.RetryAt, c.outcome.Why, c.why)
			}
		})
	}
}

// A page whose backoff would outlive it gets one more try in what is left.
func TestBackoffIsSqueezedIntoTheTimeLeft(t *testing.T) {
	t.Parallel()
	o := decided(APNs, 5, 12*time.Second, Result{Class: ClassRetry}, 0.5)
	if got := o.RetryAt.Sub(o.DoneAt); o.Final != Scheduled || got != 6*time.Second {
		t.Errorf("%s, again after %s; want in 6s", o.Final, got)
	}
}

// Whatever comes back: it ends, or is tried within the delivery's life, never
// before FCM's ten seconds and never more often than allowed.
func TestDecisionsAreBounded(t *testing.T) {
	t.Parallel()
	classes := []Class{ClassAccepted, ClassRetry, ClassDeviceThrottled, ClassTokenDead, ClassTokenSuspect,
		ClassPayloadBug, ClassTooLarge, ClassConfigBroken, ClassProviderDown, ClassCut, "unheard_of"}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom([]Provider{APNs, FCM}).Draw(t, "provider")
		r := Result{Class: rapid.SampledFrom(classes).Draw(t, "class")}
		if rapid.Bool().Draw(t, "wishes") {
			r.RetryAfter = time.Duration(rapid.Int64Range(1, int64(2*time.Hour)).Draw(t, "after"))
		}
		attempt := rapid.IntRange(0, 30).Draw(t, "attempt")
		left := time.Duration(rapid.Int64Range(1, int64(2*time.Hour)).Draw(t, "left"))
		o := decided(p, attempt, left, r, rapid.Float64Range(0, 0.999).Draw(t, "rand"))

		wait := o.RetryAt.Sub(o.DoneAt)
		switch {
		case o.Final != Scheduled && o.Final != Accepted && o.Final != Failed:
			t.Fatalf("final is %q", o.Final)
		case o.Final == Failed && o.Why == "" && r.Class != ClassTokenDead && r.Class != ClassTokenSuspect:
			t.Fatal("failed without saying why")
		case o.Final == Scheduled && o.RetryAt.IsZero():
			t.Fatal("scheduled for no moment")
		case !o.RetryAt.IsZero() && wait >= left:
			t.Fatalf("tries again after %s with %s left", wait, left)
		case !o.RetryAt.IsZero() && attempt+1 >= pageAttempts && r.Class != ClassCut && r.Class != ClassConfigBroken:
			t.Fatalf("a %dth attempt", attempt+2)
		case !o.RetryAt.IsZero() && p == FCM && r.RetryAfter == 0 && r.Class != ClassCut && wait < 10*time.Second:
			t.Fatalf("FCM is asked again after %s", wait)
		}
	})
}
