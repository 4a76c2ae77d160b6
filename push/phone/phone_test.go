package phone_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/phone"
	"github.com/nightbell/nightbell/push/pushtest"
	"github.com/nightbell/nightbell/push/wire"
)

const base = "https://nightbell.example.com"

func telephone(t *testing.T) *pushtest.Telephone {
	t.Helper()
	p, err := pushtest.StartTelephone()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func carrier(t *testing.T, p *pushtest.Telephone, change func(*phone.Account)) *phone.Twilio {
	t.Helper()
	a := phone.Account{SID: p.SID, AuthToken: p.AuthToken, From: p.From, Base: base, Endpoint: p.URL()}
	if change != nil {
		change(&a)
	}
	c, err := phone.NewTwilio(a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func letter() push.Message {
	return push.Message{
		DeliveryID: "dlv_1", Kind: push.Page, Token: "+4915112345678",
		Letter: &push.Letter{
			Title: "Checkout is down", What: "#12 Checkout is down", Service: "Payments", IncidentID: "inc_1", Acknowledge: "t",
			Say: push.LetterPhrases{Reply: "Reply 4 to acknowledge, 6 to resolve."},
		},
	}
}

func TestATextAndACall(t *testing.T) {
	t.Parallel()
	p := telephone(t)
	c := carrier(t, p, nil)
	if r := phone.NewSMS(c, base).Send(t.Context(), letter()); r.Class != push.ClassAccepted || r.ProviderID != p.Texts()[0].SID {
		t.Fatalf("%+v", r)
	}
	want := pushtest.Text{
		SID: p.Texts()[0].SID, To: "+4915112345678", StatusCallback: base + "/twilio/status?delivery=dlv_1",
		Body: "#12 Checkout is down\nPayments\nReply 4 to acknowledge, 6 to resolve.",
	}
	if got := p.Texts()[0]; got != want {
		t.Errorf("%+v", got)
	}
	if r := phone.NewVoice(c, base).Send(t.Context(), letter()); r.Class != push.ClassAccepted {
		t.Fatalf("%+v", r)
	}
	if got := p.Calls()[0]; got.URL != base+"/twilio/voice?delivery=dlv_1" || got.StatusCallback != base+"/twilio/status?delivery=dlv_1" {
		t.Errorf("%+v", got)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCodesAreTold(t *testing.T) {
	t.Parallel()
	p := telephone(t)
	c := carrier(t, p, nil)
	phone.NewSMS(c, base).SendCode(t.Context(), "+4915112345678", "Your code is", "042317", "en-US")
	phone.NewVoice(c, base).SendCode(t.Context(), "+4915112345678", "Your code is", "042317", "en-US")
	if got := p.Texts()[0].Body; got != "Your code is 042317" {
		t.Error(got)
	}
	if got := p.Calls()[0].Script.Say; !slices.Equal(got, []string{"Your code is", "0, 4, 2, 3, 1, 7.", "0, 4, 2, 3, 1, 7."}) {
		t.Error(got)
	}
}

func TestALongTitleStillSaysHowToAnswer(t *testing.T) {
	t.Parallel()
	p := telephone(t)
	m := letter()
	m.Letter.Title = strings.Repeat("ü", 2000)
	m.Letter.What = "#12 " + m.Letter.Title
	phone.NewSMS(carrier(t, p, nil), base).Send(t.Context(), m)
	got := p.Texts()[0].Body
	if !strings.HasSuffix(got, "…\nReply 4 to acknowledge, 6 to resolve.") || utf8.RuneCountInString(got) != 320 {
		t.Errorf("%d: %s", utf8.RuneCountInString(got), got)
	}
}

func TestWhatTwilioAnswers(t *testing.T) {
	t.Parallel()
	p := telephone(t)
	s := phone.NewSMS(carrier(t, p, nil), base)
	for _, tt := range []struct {
		refusal pushtest.PhoneRefusal
		want    push.Result
	}{
		{pushtest.PhoneRefusal{Status: 400, Code: 21211}, push.Result{Class: push.ClassTokenSuspect, Status: 400, Reason: "21211"}},
		{pushtest.PhoneRefusal{Status: 400, Code: 21610}, push.Result{Class: push.ClassTokenDead, Status: 400, Reason: "21610"}},
		{pushtest.PhoneRefusal{Status: 401, Code: 20003}, push.Result{Class: push.ClassConfigBroken, Status: 401, Reason: "20003"}},
		{pushtest.PhoneRefusal{Status: 429, Code: 20429, RetryAfter: "3"}, push.Result{Class: push.ClassProviderDown, Status: 429, Reason: "20429", RetryAfter: 3 * time.Second}},
		{pushtest.PhoneRefusal{Status: 503}, push.Result{Class: push.ClassProviderDown, Status: 503, Reason: "service unavailable"}},
	} {
		p.Refuse(tt.refusal)
		if got := s.Send(t.Context(), letter()); got != tt.want {
			t.Errorf("%+v, want %+v", got, tt.want)
		}
	}
	p.Refuse()
	m := letter()
	m.Token = "0151 12345678"
	if got := s.Send(t.Context(), m); got.Class != push.ClassTokenSuspect {
		t.Errorf("%+v", got)
	}
	wrong := phone.NewSMS(carrier(t, p, func(a *phone.Account) { a.AuthToken = "x" }), base)
	if got := wrong.Send(t.Context(), letter()); got.Class != push.ClassConfigBroken {
		t.Errorf("%+v", got)
	}
	if err := carrier(t, p, func(a *phone.Account) { a.AuthToken = "x" }).Check(t.Context()); err == nil {
		t.Error("the check found nothing")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := s.Send(ctx, letter()); got.Class != push.ClassCut {
		t.Errorf("%+v", got)
	}
	p.Close()
	if got := s.Send(t.Context(), letter()); got.Class != push.ClassRetry && got.Reason != wire.ReasonUnreachable {
		t.Errorf("%+v", got)
	}
}

// The examples of Twilio's documentation, older and newer.
func TestTwiliosOwnSignatures(t *testing.T) {
	t.Parallel()
	a := phone.Account{AuthToken: "12345", Base: "https://mycompany.com"}
	for caller, signature := range map[string]string{"+14158675309": "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "+12349013030": "0/KCTR6DLpKmkAf8muzZqo1nDgQ="} {
		form := url.Values{"CallSid": {"CA1234567890ABCDE"}, "Caller": {caller}, "Digits": {"1234"}, "From": {caller}, "To": {"+18005551212"}}
		if err := a.Genuine("/myapp.php?foo=1&bar=2", form, signature); err != nil {
			t.Error(err)
		}
		if phone.Signature("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", form) != signature {
			t.Error("another signature")
		}
		form.Set("Digits", "4")
		for _, forged := range []string{signature, "", "x", strings.ToLower(signature)} {
			if err := a.Genuine("/myapp.php?foo=1&bar=2", form, forged); err == nil {
				t.Errorf("%q was believed", forged)
			}
		}
	}
	if err := (phone.Account{Base: "https://x"}).Genuine("/", nil, phone.Signature("", "https://x/", nil)); err == nil {
		t.Error("an account without a token believes whoever has none")
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"+4915112345678": "+4915112345678", "+49 (151) 123-456.78": "+4915112345678", "+1/500/555/0006": "+15005550006",
		"": "", "+": "", "0151 12345678": "", "+0151123456": "", "+1234567": "", "+1234567890123456": "", "+49151x2345678": "", "++4915112345678": "", "+49151123456７8": "",
	} {
		got, err := phone.Number(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"4": "acknowledge", " 4. ": "acknowledge", "ACK": "acknowledge", "Acknowledge": "acknowledge", "6": "resolve", "Resolve!": "resolve",
		"": "", "5": "", "44": "", "stop": "", "please ack": "",
	} {
		if got := phone.Answer(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestAccountsThatCannotWork(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]phone.Account{
		"no SID": {AuthToken: "x", From: "+15005550006"}, "a SID with a path": {SID: "AC/..", AuthToken: "x", From: "+15005550006"},
		"no token": {SID: "AC1", From: "+15005550006"}, "no number": {SID: "AC1", AuthToken: "x", From: "5550006"},
	} {
		if _, err := phone.NewTwilio(a); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func FuzzForm(f *testing.F) {
	f.Add([]byte("From=%2B4915112345678&Body=4"))
	f.Add([]byte("a=1&a=2;b=%zz"))
	f.Fuzz(func(t *testing.T, body []byte) {
		form, err := phone.Form(body)
		if err != nil {
			return
		}
		a := phone.Account{AuthToken: "12345", Base: base}
		if err := a.Genuine("/twilio/sms", form, phone.Signature("12345", base+"/twilio/sms", form)); err != nil {
			t.Fatalf("%q: signed by us and not believed: %v", body, err)
		}
		if verb := phone.Answer(form.Get("Body")); verb != "" && verb != phone.Acknowledge && verb != phone.Resolve {
			t.Fatalf("a verb that nobody knows: %q", verb)
		}
		if n, err := phone.Number(form.Get("From")); err == nil {
			if again, err := phone.Number(n); err != nil || again != n {
				t.Fatalf("%q becomes %q, %v", n, again, err)
			}
		}
	})
}
