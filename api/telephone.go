package api

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/phone"
	"github.com/nightbell/nightbell/respond"
)

// Telephone is what the callbacks of the telephone carrier need; nil: there is
// no telephone.
type Telephone struct {
	Account phone.Account
	Pages   Pages
}

// Pages finds the pages that callbacks speak of.
type Pages interface {
	// Page gives a delivery and the address it went to; fault.NotFound if there is none.
	Page(ctx context.Context, deliveryID string) (push.Delivery, push.Device, error)
	// NewestPageTo gives the newest page of an incident that is not over, among
	// those that were sent to a verified number.
	NewestPageTo(ctx context.Context, by push.Provider, number string) (push.Delivery, push.Device, error)
}

// callback is a genuine one.
type callback struct {
	form url.Values
	// page and to are the delivery that it is about, where it names one.
	page push.Delivery
	to   push.Device
}

// serveTelephone answers the carrier. What is not signed by our account is
// refused before anything is looked up; a repeat finds its work done.
func (s *server) serveTelephone(x *exchange, r *http.Request, answer func(context.Context, *exchange, callback)) {
	if r.Method != http.MethodPost {
		s.wrongMethod(x, r, http.MethodPost)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), requestLimit)
	defer cancel()
	c, err := s.callback(ctx, r)
	if err != nil {
		s.refuse(x, r, err)
		return
	}
	x.user = c.to.UserID
	answer(ctx, x, c)
}

func (s *server) callback(ctx context.Context, r *http.Request) (c callback, err error) {
	body, err := readBody(r, phone.MaxCallback)
	if err != nil {
		return c, err
	}
	if c.form, err = phone.Form(body); err != nil {
		return c, err
	}
	if err := s.Telephone.Account.Genuine(r.URL.RequestURI(), c.form, r.Header.Get("X-Twilio-Signature")); err != nil {
		return c, err
	}
	if deliveryID := r.URL.Query().Get("delivery"); deliveryID != "" {
		c.page, c.to, err = s.Telephone.Pages.Page(ctx, deliveryID)
	}
	return c, err
}

// telephone finds the handler of a callback's path, nil if there is none.
func (s *server) telephone(path string) func(context.Context, *exchange, callback) {
	if s.Telephone == nil {
		return nil
	}
	return map[string]func(context.Context, *exchange, callback){
		phone.PathVoice: s.speak, phone.PathPress: s.pressed, phone.PathStatus: s.carried, phone.PathSMS: s.replied,
	}[path]
}

// speak says what is wrong, as it is now, and listens for a digit.
func (s *server) speak(ctx context.Context, x *exchange, c callback) {
	speaks := s.speaks(ctx, c.to.UserID)
	i, err := s.Incidents.Incident(ctx, c.page.IncidentID)
	if err != nil {
		s.Log.WarnContext(ctx, "a call has nothing to say", "delivery", c.page.ID, "error", err)
		s.script(x, speaks, phone.Script{Says: []string{speaks.Say("call.nothing")}})
		return
	}
	script := phone.Script{Says: []string{speaks.Say("call.incident", "number", strconv.FormatInt(i.Number, 10), "title", i.Title,
		"service", i.ServiceName, "severity", speaks.Severity(i.Severity))}}
	if i.Status == incident.Triggered {
		s.listen(&script, speaks, c)
		script.Bye = speaks.Say("call.silence")
	} else {
		script.Says = append(script.Says, standing(speaks, i))
	}
	s.script(x, speaks, script)
}

// listen asks for a digit.
func (s *server) listen(script *phone.Script, speaks *push.Language, c callback) {
	script.Listen = phone.Callback(s.Telephone.Account.Base, phone.PathPress, c.page.ID)
	script.Asks = speaks.Say("call.press")
}

// standing says how an incident stands that asks for nothing more.
func standing(speaks *push.Language, i incident.Incident) string {
	by := i.AcknowledgedBy
	if i.Status == incident.Resolved {
		by = i.ResolvedBy
	}
	return outcome(speaks, "", "call.before", ActedJSONResponse{Incident: *i.Snapshot(), ActedBy: &by})
}

// pressed does what a digit means.
func (s *server) pressed(ctx context.Context, x *exchange, c callback) {
	speaks := s.speaks(ctx, c.to.UserID)
	verb := phone.Answer(c.form.Get("Digits"))
	if verb == "" {
		script := phone.Script{Says: []string{speaks.Say("call.unknown")}}
		s.listen(&script, speaks, c)
		s.script(x, speaks, script)
		return
	}
	s.script(x, speaks, phone.Script{Says: []string{s.answered(ctx, speaks, c, verb, "voice")}})
}

// replied does what a text message says, to the newest open page of its sender.
func (s *server) replied(ctx context.Context, x *exchange, c callback) {
	verb := phone.Answer(c.form.Get("Body"))
	if verb == "" {
		s.message(x, "") // a word to somebody else, or STOP, which is Twilio's to keep
		return
	}
	var err error
	c.page, c.to, err = s.Telephone.Pages.NewestPageTo(ctx, push.SMS, c.form.Get("From"))
	if err != nil {
		s.message(x, spoken(s.Words.In(), err))
		return
	}
	x.user = c.to.UserID
	s.message(x, s.answered(ctx, s.speaks(ctx, c.to.UserID), c, verb, "sms"))
}

// answered carries out what somebody pressed or replied, and says how it went.
func (s *server) answered(ctx context.Context, speaks *push.Language, c callback, verb, via string) string {
	u, err := s.Auth.User(ctx, c.to.UserID)
	if err == nil {
		err = u.Role.MayAct()
	}
	if err != nil {
		return spoken(speaks, err)
	}
	done, err := s.perform(ctx, respond.Command{
		// A text that comes again must not act on a newer page than it answered.
		Name: respond.Verb(verb), IncidentID: c.page.IncidentID, Principal: u.ID, Key: c.form.Get("MessageSid"),
		Actor: actor(auth.Principal{UserID: u.ID, Name: u.Name, Role: u.Role}, via, c.to.ID),
		Tap:   &respond.Tap{DeliveryID: c.page.ID, ExpiresAt: c.page.CreatedAt.Add(push.ActionLife)},
	})
	if err != nil {
		s.Log.WarnContext(ctx, "what somebody answered by telephone was not done", "delivery", c.page.ID, "action", verb, "error", err)
		return spoken(speaks, err)
	}
	return outcome(speaks, "call.now", "call.before", done)
}

// spoken says a refusal to somebody on the telephone.
func spoken(speaks *push.Language, err error) string {
	if fault.KindOf(err) == fault.NotFound {
		return speaks.Say("call.none")
	}
	return speaks.Say("call.refused", "reason", problemOf(err).Detail)
}

// carried notes what became of a text or a call. An answered call is received
// and no more: a mailbox answers too, and hears nothing. Only a key that
// somebody pressed shows that there was somebody.
func (s *server) carried(ctx context.Context, x *exchange, c callback) {
	var event push.ReceiptEvent
	switch status := cmp.Or(c.form.Get("MessageStatus"), c.form.Get("CallStatus")); status {
	case "delivered", "in-progress":
		event = push.Received
	case "undelivered", "failed", "busy", "no-answer", "canceled":
		s.uncarried(ctx, c, status)
	}
	if event == "" || c.page.ID == "" {
		s.message(x, "")
		return
	}
	_, err := s.Desk.Report(ctx, respond.Report{
		Actor:    incident.Actor{Kind: incident.ActorUser, ID: c.to.UserID, DeviceID: c.to.ID, Via: string(c.to.Provider)},
		Receipts: []push.Receipt{{DeliveryID: c.page.ID, Event: event}},
	})
	if err != nil {
		writeProblem(x, problemOf(err)) // the carrier tries again
		return
	}
	s.message(x, "")
}

// uncarried tells the operator of what did not arrive after it was accepted.
func (s *server) uncarried(ctx context.Context, c callback, status string) {
	code, _ := strconv.Atoi(c.form.Get("ErrorCode")) // absent for calls
	s.Log.WarnContext(ctx, "the telephone carrier could not deliver", "delivery", c.page.ID, "contact_method", c.to.ID,
		"status", status, "code", code, "class", push.ClassifyTwilioStatus(code))
}

func (s *server) script(x *exchange, speaks *push.Language, script phone.Script) {
	script.Language = speaks.Say("call.voice")
	s.xml(x, script.TwiML())
}

// message answers with a text message; empty: without a word.
func (s *server) message(x *exchange, text string) { s.xml(x, phone.Reply(text)) }

func (s *server) xml(x *exchange, text string) {
	x.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = x.Write([]byte(text)) // a carrier that has hung up needs no answer
}
