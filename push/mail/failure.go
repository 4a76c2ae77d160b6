package mail

import (
	"context"
	"errors"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

// Reasons of our own, beside wire's.
const (
	ReasonNoSTARTTLS = "no_starttls"
	ReasonNoAuth     = "no_common_sign_in"
)

// enhanced finds an enhanced status code at the start of a reply (RFC 2034).
var enhanced = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

// failed sorts what went wrong at a stage.
func failed(ctx context.Context, stage push.SMTPStage, err error) push.Result {
	if code, text := reply(err); code != 0 {
		detail := enhanced.FindString(text)
		return push.Result{
			Class: push.ClassifySMTP(stage, code, detail), Status: code, Reason: strings.TrimSpace(strconv.Itoa(code) + " " + detail),
		}
	}
	switch {
	case ctx.Err() != nil:
		return wire.Failure(ctx, err)
	case errors.Is(err, smtp.ErrUnencrypted), errors.Is(err, gomail.ErrNoSupportedAuthDiscovered), strings.Contains(err.Error(), "SMTP AUTH"):
		return push.Result{Class: push.ClassConfigBroken, Reason: ReasonNoAuth}
	case strings.Contains(err.Error(), "does not support STARTTLS"): // go-mail has no value for it
		return push.Result{Class: push.ClassConfigBroken, Reason: ReasonNoSTARTTLS}
	}
	return wire.Failure(ctx, err)
}

// reply gives the server's own words, 0 when it said nothing.
func reply(err error) (code int, text string) {
	var said *textproto.Error
	if errors.As(err, &said) {
		return said.Code, said.Msg
	}
	var send *gomail.SendError
	if errors.As(err, &send) && send.ErrorCode() != 0 {
		return send.ErrorCode(), send.EnhancedStatusCode()
	}
	return 0, ""
}

// stageOf tells which command failed.
func stageOf(err error) push.SMTPStage {
	var send *gomail.SendError
	if !errors.As(err, &send) {
		return push.SMTPConnect
	}
	switch send.Reason {
	case gomail.ErrSMTPMailFrom:
		return push.SMTPSender
	case gomail.ErrSMTPRcptTo:
		return push.SMTPRecipient
	case gomail.ErrConnCheck:
		return push.SMTPConnect
	default:
		return push.SMTPContent
	}
}

// maxBrief bounds the server's words that are kept as the message's name there.
const maxBrief = 120

// brief is a server's answer on one short line.
func brief(s string) string { return line(s, maxBrief) }
