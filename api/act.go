package api

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// actPage is what an e-mail's link opens: it asks, and only its button acts.
// Mail scanners and link previews follow every link, so a GET must change
// nothing. It needs no script, and loads nothing.
type actPage struct {
	Style   template.CSS
	Lang    string
	Title   string // of the incident; may be empty
	Service string
	Says    string
	Button  string // empty: there is nothing left to press
	Token   string
}

const actStyle = `body{font-family:sans-serif;max-width:32em;margin:2em auto;padding:0 1em}button{font-size:1.3em;padding:.8em 1.6em;width:100%}`

//nolint:gochecknoglobals // a constant page, parsed once
var actTemplate = template.Must(template.New("act").Parse(`<!DOCTYPE html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<title>Nightbell</title><style>{{.Style}}</style></head><body>
{{with .Title}}<h1>{{.}}</h1>
{{end}}{{with .Service}}<p><b>{{.}}</b></p>
{{end}}<p>{{.Says}}</p>
{{if .Button}}<form method="post" action="/act"><input type="hidden" name="token" value="{{.Token}}"><button>{{.Button}}</button></form>
{{end}}</body></html>
`))

// actPolicy lets the page do one thing: post its form to us.
var actPolicy = func() string {
	sum := sha256.Sum256([]byte(actStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}()

// maxForm is longer than any token.
const maxForm = 8 << 10

// serveAct answers the links in e-mails.
func (s *server) serveAct(x *exchange, r *http.Request) {
	x.route = "/act"
	ctx, cancel := context.WithTimeout(withAddress(r.Context(), r, s.Proxies), requestLimit)
	defer cancel()
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		s.askToAct(ctx, x, r)
	case http.MethodPost:
		s.actByForm(ctx, x, r)
	default:
		s.wrongMethod(x, r, http.MethodGet, http.MethodPost)
	}
}

// askToAct shows what would be done.
func (s *server) askToAct(ctx context.Context, x *exchange, r *http.Request) {
	token := r.URL.Query().Get("token")
	button, who, err := s.button(ctx, token)
	if err == nil {
		err = s.mayShow(ctx, button)
	}
	if err != nil {
		s.refuseToAct(ctx, x, err)
		return
	}
	i, err := s.Incidents.Incident(ctx, button.IncidentID)
	if err != nil {
		s.refuseToAct(ctx, x, err)
		return
	}
	speaks := s.speaks(ctx, who.UserID)
	p := actPage{Lang: speaks.Tag(), Title: i.Title, Service: i.ServiceName, Token: token}
	p.Says, p.Button = speaks.Say("act."+button.Name), speaks.Say("action."+button.Name)
	s.writeAct(x, http.StatusOK, p)
}

// mayShow keeps an old link from telling of the incident: mail lies about for
// years, and goes on to others. What pressing does is judged when it is done.
func (s *server) mayShow(ctx context.Context, button auth.ActionClaims) error {
	if !s.now().Before(button.ExpiresAt) {
		return fault.New(fault.Unauthenticated, "token_expired", "this link has expired; open the app to see how the incident stands")
	}
	_, err := s.Devices.Device(ctx, button.UserID, button.DeviceID)
	if fault.KindOf(err) == fault.NotFound {
		return fault.New(fault.Forbidden, "device_removed", "the address this link was sent to is no longer registered; open the app and sign in")
	}
	return err
}

// actByForm does what the page's button says.
func (s *server) actByForm(ctx context.Context, x *exchange, r *http.Request) {
	text, err := readBody(r, maxForm)
	if err != nil {
		s.refuseToAct(ctx, x, err)
		return
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		s.refuseToAct(ctx, x, newHTTPError(http.StatusBadRequest, "bad_encoding", "", "the form cannot be read; open the link again"))
		return
	}
	button, who, err := s.button(ctx, form.Get("token"))
	if err != nil {
		s.refuseToAct(ctx, x, err)
		return
	}
	x.user = who.UserID
	done, err := s.perform(ctx, respond.Command{
		Name: respond.Verb(button.Name), IncidentID: button.IncidentID,
		Actor: actor(who, "notification", button.DeviceID), Principal: who.UserID,
		Tap: &respond.Tap{DeliveryID: button.DeliveryID, ExpiresAt: button.ExpiresAt},
	})
	if err != nil {
		s.refuseToAct(ctx, x, err)
		return
	}
	speaks := s.speaks(ctx, who.UserID)
	s.writeAct(x, http.StatusOK, actPage{
		Lang: speaks.Tag(), Title: done.Incident.Title, Service: done.Incident.ServiceName, Says: outcome(speaks, "act.done", "act.before", done),
	})
}

// speaks is the language of a person; English, if they cannot be found.
func (s *server) speaks(ctx context.Context, userID string) *push.Language {
	u, err := s.Auth.User(ctx, userID)
	if err != nil {
		s.Log.WarnContext(ctx, "a person's language is not known", "user", userID, "error", err)
	}
	return s.Words.In(u.Locale)
}

// outcome says what became of an action, or who was first.
func outcome(speaks *push.Language, done, before string, a ActedJSONResponse) string {
	key, name := done, ""
	if !a.Changed {
		key = before
		if a.ActedBy != nil && a.ActedBy.Name != "" {
			key, name = before+"_by", a.ActedBy.Name
		}
	}
	return speaks.Say(key, "number", strconv.FormatInt(a.Incident.Number, 10), "status", speaks.Status(a.Incident.Status), "name", name)
}

// button reads an action token; whether its device still counts is judged when
// it acts.
func (s *server) button(ctx context.Context, token string) (auth.ActionClaims, auth.Principal, error) {
	button, who, err := s.Auth.VerifyAction(ctx, token)
	if err != nil {
		return button, who, err
	}
	if err := who.Role.MayAct(); err != nil {
		return button, who, err
	}
	return button, who, nil
}

// refuseToAct says why not, in words for a person.
func (s *server) refuseToAct(ctx context.Context, x *exchange, err error) {
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError {
		s.Log.ErrorContext(ctx, "a link of an e-mail failed", "request_id", x.id, "error", err)
	}
	says := p.Detail
	if says != "" {
		says = strings.ToUpper(says[:1]) + says[1:] + "."
	}
	s.writeAct(x, p.Status, actPage{Says: says})
}

func (s *server) writeAct(x *exchange, status int, p actPage) {
	p.Style = actStyle
	p.Lang = cmp.Or(p.Lang, "en")
	var b bytes.Buffer
	if err := actTemplate.Execute(&b, p); err != nil {
		panic("api: the page of a link cannot be written: " + err.Error()) // strings into a fixed page
	}
	h := x.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", actPolicy) // begin has said no-store and no-referrer: the token is in the address
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("X-Frame-Options", "DENY")
	x.WriteHeader(status)
	_, _ = x.Write(b.Bytes()) // a client that has left needs no answer
}
