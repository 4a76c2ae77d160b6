package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// receiptKeyHeader carries "<device id>.<key>".
const receiptKeyHeader = "Nightbell-Receipt-Key"

// maxReceiptKey bounds what is looked at; ours have 74 characters.
const maxReceiptKey = 200

// identify tells who asks: by the access token or, where the contract allows
// it, by a device's receipt key, and then device says which. An app may send
// both, because its background parts do not know that the token has expired.
func (s *server) identify(op *operation, r *http.Request) (who auth.Principal, device string, err error) {
	given := r.Header.Get(receiptKeyHeader)
	if !op.receiptKey || given == "" {
		who, err = s.Auth.Authenticate(r.Context(), bearer(r))
		return who, "", err
	}
	if who, device, err = s.receiptKey(r.Context(), given); err == nil || bearer(r) == "" || fault.KindOf(err) != fault.Unauthenticated {
		return who, device, err
	}
	who, err = s.Auth.Authenticate(r.Context(), bearer(r))
	return who, "", err
}

// receiptKey believes a key while its device is registered.
func (s *server) receiptKey(ctx context.Context, given string) (auth.Principal, string, error) {
	device, key, ok := strings.Cut(given, ".")
	if !ok || len(given) > maxReceiptKey || id.Check(id.Device, device) != nil {
		return auth.Principal{}, "", auth.ErrReceiptKey()
	}
	owner, err := s.Devices.DeviceOwner(ctx, device)
	if err != nil {
		if fault.KindOf(err) == fault.NotFound {
			err = auth.ErrReceiptKey()
		}
		return auth.Principal{}, "", err
	}
	who, err := s.Auth.VerifyReceiptKey(ctx, owner, device, key)
	return who, device, err
}

// ReportReceipts records what became of notifications.
func (s *server) ReportReceipts(ctx context.Context, r ReportReceiptsRequestObject) (ReportReceiptsResponseObject, error) {
	report := respond.Report{Actor: actor(caller(ctx), "app", callerDevice(ctx)), Receipts: make([]push.Receipt, len(r.Body.Receipts))}
	for i, said := range r.Body.Receipts {
		report.Receipts[i] = receiptOf(said)
	}
	heard, err := s.Desk.Report(ctx, report)
	if err != nil {
		return nil, err
	}
	answer := ReportReceipts200JSONResponse{Items: make([]ReceiptResult, len(heard))}
	for i, h := range heard {
		answer.Items[i] = receiptResult(report.Receipts[i], h)
	}
	return answer, nil
}

func receiptOf(r Receipt) push.Receipt {
	return push.Receipt{
		DeliveryID: r.DeliveryId, Event: r.Event, DeviceAt: utc(r.At), DeliveredPriority: value(r.DeliveredPriority),
		OriginalPriority: value(r.OriginalPriority), Detail: value(r.Detail),
	}
}

func receiptResult(r push.Receipt, h respond.Hearing) ReceiptResult {
	out := ReceiptResult{DeliveryId: r.DeliveryID, Event: string(r.Event), Result: string(h)}
	if h != respond.Recorded && h != respond.Duplicate {
		reason := string(h)
		out.Result, out.Reason = "refused", &reason
	}
	return out
}
