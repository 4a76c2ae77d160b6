package push

import (
	"testing"
	"time"
)

// refusal is a page refused at a moment, in the environment that the device has.
func refusal(dev Device, class Class, reason string, at time.Time, change func(*Outcome)) Outcome {
	return sent(class, Failed, func(o *Outcome) {
		o.Job.Device = dev
		o.Job.Delivery.ID, o.Job.Delivery.ExpiresAt = "dlv_"+at.String(), at.Add(time.Hour)
		o.SentAt, o.DoneAt, o.RetryAt = at, at.Add(time.Millisecond), at.Add(time.Second)
		o.Result.Status, o.Result.Reason = 400, reason
		if change != nil {
			change(o)
		}
	})
}

// phone is one that Apple may know in the other environment.
func phone() Device {
	return Device{ID: "dev_1", Provider: APNs, Environment: production, Token: "t1", RegisteredAt: registered, State: DeviceActive}
}

func toSandbox(o *Outcome) { o.Elsewhere = sandbox }

// judged applies outcomes one after the other, as the store does.
func judged(dev Device, outcomes ...Outcome) (Device, Verdict) {
	var v Verdict
	for _, o := range outcomes {
		o.Job.Device.Environment = dev.Environment
		v = o.Apply(o.Job.Delivery, dev)
		dev = v.On(dev, o.DoneAt)
	}
	return dev, v
}

func TestATokenOfTheOtherEnvironmentFindsItsHome(t *testing.T) {
	t.Parallel()
	dev, v := judged(phone(), refusal(phone(), ClassTokenSuspect, "BadDeviceToken", noon, toSandbox))
	if dev.Environment != sandbox || dev.State != DeviceActive || !dev.Evidence.Trial || v.Delivery.State != Scheduled || v.Delivery.DueAt.After(soon) {
		t.Fatalf("not tried elsewhere at once: %+v, %+v", dev, v.Delivery)
	}
	if len(v.Entries) != 1 || v.Entries[0].Detail.Text == "" {
		t.Errorf("the timeline does not say why: %+v", v.Entries)
	}
	yes := sent(ClassAccepted, Accepted, func(o *Outcome) { o.Job.Device = dev })
	dev, v = judged(dev, yes)
	if dev.Environment != sandbox || dev.State != DeviceActive || dev.Evidence != (Evidence{Home: production}) {
		t.Errorf("accepted there, it is %+v", dev)
	}
	if text := v.Entries[1].Detail.Text; text == "" {
		t.Error("the timeline does not say that the device was corrected")
	}
	// The app goes on to name the wrong environment at each start.
	again := dev
	again.Environment, again.RegisteredAt = production, noon.Add(time.Hour)
	if got := again.Presented(dev); got.Environment != sandbox || got.Evidence.Home != production {
		t.Errorf("registered again, it is %+v", got)
	}
	again.Token = "t2"
	if got := again.Presented(dev); got.Environment != production || got.Evidence != (Evidence{}) {
		t.Errorf("with a new token it is %+v", got)
	}
}

func TestATokenThatNeitherEnvironmentKnowsIsSuspectAtHome(t *testing.T) {
	t.Parallel()
	first := refusal(phone(), ClassTokenSuspect, "BadDeviceToken", noon, toSandbox)
	for name, second := range map[string]Outcome{
		"refused there too": refusal(phone(), ClassTokenSuspect, "BadDeviceToken", noon.Add(time.Second), func(o *Outcome) { o.Elsewhere = production }),
		"no key there":      refusal(phone(), ClassConfigBroken, "BadEnvironmentKeyIdInToken", noon.Add(time.Second), func(o *Outcome) { o.Final = Scheduled }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dev, v := judged(phone(), first, second)
			if dev.Environment != production || dev.State != DeviceSuspect || dev.Evidence.Trial || dev.StateReason != "BadDeviceToken" || v.Delivery.State != Failed {
				t.Errorf("%+v, %+v", dev, v.Delivery)
			}
			third, v := judged(dev, refusal(dev, ClassTokenSuspect, "BadDeviceToken", noon.Add(time.Minute), toSandbox))
			if third.Environment != production || v.Environment != "" {
				t.Error("it is tried elsewhere a second time")
			}
		})
	}
}

func TestATrialIsForTokensThatNeverWorked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Outcome){
		"accepted here before": func(o *Outcome) { o.Elsewhere, o.Proven = sandbox, true },
		"no key elsewhere":     func(*Outcome) {},
	} {
		dev, v := judged(phone(), refusal(phone(), ClassTokenSuspect, "BadDeviceToken", noon, change))
		if dev.Environment != production || dev.State != DeviceSuspect || v.Delivery.State != Failed {
			t.Errorf("%s: %+v, %+v", name, dev, v.Delivery)
		}
	}
	// A page that was on its way to the old environment meanwhile is sent again.
	dev, _ := judged(phone(), refusal(phone(), ClassTokenSuspect, "BadDeviceToken", noon, toSandbox))
	o := refusal(phone(), ClassTokenSuspect, "BadDeviceToken", noon.Add(time.Millisecond), toSandbox)
	if v := o.Apply(o.Job.Delivery, dev); v.Delivery.State != Scheduled || v.Environment != "" || v.Evidence != nil {
		t.Errorf("an answer about production says %+v of a device in sandbox", v)
	}
	// Recorded twice, it costs one attempt.
	o = refusal(phone(), ClassTokenSuspect, "BadDeviceToken", noon, toSandbox)
	v := o.Apply(o.Job.Delivery, phone())
	if twice := o.Apply(v.Delivery, dev); twice.Delivery != v.Delivery || len(twice.Entries) != 0 {
		t.Errorf("twice: %+v", twice)
	}
}

// A suspect dies by the provider's steady word, not by one bad hour.
func TestASuspectDiesByRepeatedProof(t *testing.T) {
	t.Parallel()
	bad := func(reason string, hours ...int) (all []Outcome) {
		for _, h := range hours {
			all = append(all, refusal(phone(), ClassTokenSuspect, reason, noon.Add(time.Duration(h)*time.Hour), nil))
		}
		return all
	}
	yes := refusal(phone(), ClassAccepted, "", noon.Add(10*time.Hour), func(o *Outcome) { o.Final, o.Result.Status = Accepted, 200 })
	for name, c := range map[string]struct {
		outcomes []Outcome
		want     DeviceState
	}{
		"once":                            {bad("BadDeviceToken", 0), DeviceSuspect},
		"ten times in nine hours":         {bad("BadDeviceToken", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), DeviceSuspect},
		"twice over two days":             {bad("BadDeviceToken", 0, 48), DeviceSuspect},
		"three times over a day":          {bad("BadDeviceToken", 0, 12, 24), DeviceDead},
		"three times, a minute too early": {append(bad("BadDeviceToken", 0, 12), refusal(phone(), ClassTokenSuspect, "BadDeviceToken", noon.Add(24*time.Hour-time.Minute), nil)), DeviceSuspect},
		"accepted between":                {append(append(bad("BadDeviceToken", 0, 1), yes), bad("BadDeviceToken", 30, 40)...), DeviceSuspect},
		"a topic that may be our mistake": {bad("DeviceTokenNotForTopic", 0, 24, 48, 96), DeviceSuspect},
		"a project that may be":           {bad("SENDER_ID_MISMATCH", 0, 24, 48, 96), DeviceSuspect},
		"FCM's word on the token":         {bad("INVALID_ARGUMENT", 0, 24, 48), DeviceDead},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dev, _ := judged(phone(), c.outcomes...)
			if dev.State != c.want {
				t.Errorf("%s with %+v, want %s", dev.State, dev.Evidence, c.want)
			}
		})
	}
}

// I8 with clocks that do not agree: what is within their difference proves nothing.
func TestGoneAgainstRegistrationByTwoClocks(t *testing.T) {
	t.Parallel()
	gone := func(since time.Time) Outcome {
		return refusal(phone(), ClassTokenDead, "Unregistered", noon, func(o *Outcome) { o.Result.Status, o.Result.Since = 410, since })
	}
	for name, c := range map[string]struct {
		since time.Time
		dead  bool
	}{
		"a day before":                     {registered.Add(-24 * time.Hour), false},
		"the same millisecond":             {registered, false},
		"after, but within the clocks":     {registered.Add(clockSkew), false},
		"a moment more":                    {registered.Add(clockSkew + time.Millisecond), true},
		"Apple's clock is an hour ahead":   {noon.Add(time.Hour), true},
		"no moment: it was gone when sent": {time.Time{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dev, v := judged(phone(), gone(c.since))
			if dead := dev.State == DeviceDead; dead != c.dead || !dead && v.Delivery.State != Scheduled {
				t.Errorf("%+v, delivery %s", dev, v.Delivery.State)
			}
			if dev.Evidence.Refusals != 1 || dev.Evidence.Reason != "Unregistered" {
				t.Errorf("the evidence is %+v", dev.Evidence)
			}
		})
	}
	// Our clock was ahead when the app registered: Apple's moment stays before
	// it for ever, and only its steady word can tell.
	dev := phone()
	for h := range 3 {
		o := gone(registered.Add(-time.Minute))
		o.SentAt, o.DoneAt = noon.Add(time.Duration(h)*12*time.Hour), noon.Add(time.Duration(h)*12*time.Hour)
		dev, _ = judged(dev, o)
	}
	if dev.State != DeviceDead {
		t.Errorf("gone for a day, it is still %s", dev.State)
	}
}

// No repetition makes a suspicion against an address into proof: a relay that
// does not know us and a country that is switched off say the same every day.
func TestSuspicionNeverKillsAnAddress(t *testing.T) {
	t.Parallel()
	for _, p := range []Provider{Email, Webhook, SMS, Voice} {
		dev := Device{ID: "dev_1", Provider: p, TargetKind: AddressTarget, Token: "t1", RegisteredAt: registered, State: DeviceActive, VerifiedAt: registered}
		var all []Outcome
		for d := range 5 {
			all = append(all, refusal(dev, ClassTokenSuspect, "550 5.7.1 relaying denied", noon.Add(time.Duration(d)*24*time.Hour), nil))
		}
		if got, _ := judged(dev, all...); got.State != DeviceSuspect {
			t.Errorf("%s: %s with %+v", p, got.State, got.Evidence)
		}
	}
}

// A key of ours that was exchanged makes every browser's subscription wrong,
// and right again when it is put back.
func TestAnotherKeyOfOursKillsNoBrowser(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{VAPIDMismatch, "VapidPkHashMismatch"} {
		dev := Device{ID: "dev_1", Provider: WebPush, TargetKind: EndpointTarget, Token: "t1", RegisteredAt: registered, State: DeviceActive}
		var all []Outcome
		for d := range 5 {
			all = append(all, refusal(dev, ClassTokenSuspect, reason, noon.Add(time.Duration(d)*24*time.Hour), nil))
		}
		if got, _ := judged(dev, all...); got.State != DeviceSuspect {
			t.Errorf("%s: %s with %+v", reason, got.State, got.Evidence)
		}
	}
}

// A commit whose answer was lost is recorded again: a page that is to be tried
// once more must not end by that.
func TestAnUnprovenGoneRecordedTwiceIsStillTriedAgain(t *testing.T) {
	t.Parallel()
	o := refusal(phone(), ClassTokenDead, "Unregistered", noon, func(o *Outcome) { o.Result.Status, o.Result.Since = 410, registered })
	v := o.Apply(o.Job.Delivery, phone())
	twice := o.Apply(v.Delivery, v.On(phone(), o.DoneAt))
	if v.Delivery.State != Scheduled || twice.Delivery != v.Delivery || len(twice.Entries) != 0 || twice.Evidence != nil {
		t.Errorf("once: %+v\ntwice: %+v", v.Delivery, twice.Delivery)
	}
}
