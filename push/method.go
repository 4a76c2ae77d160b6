package push

import (
	"hash/fnv"
	"net/url"
	"strconv"
)

// methodPush names the way to a person that goes through installed apps and
// browsers; every other way has the name of its provider.
const methodPush = "push"

// Method is the way to a person that the device is, in the words of
// notification rules: push, email, webhook, sms or voice.
func (d Device) Method() string {
	switch d.Provider {
	case Email, Webhook, SMS, Voice:
		return string(d.Provider)
	default:
		return methodPush
	}
}

// Usable reports whether a page may go to the device: not to a dead one, and
// not to an address whose owner has not proved to be its owner.
func (d Device) Usable() bool {
	return d.State != DeviceDead && (d.TargetKind != AddressTarget || !d.VerifiedAt.IsZero())
}

// Settles reports whether a page that reached the device can be quieted or
// followed by a word: a text message and a call are over when they are over.
func (d Device) Settles() bool { return d.Provider != SMS && d.Provider != Voice }

// hookLanes is over how many lanes webhooks are spread: one receiver that hangs
// holds up those of its own lane only, and no crowd of names makes more lanes.
const hookLanes = 8

// hookLane names the lane of a webhook's host.
func hookLane(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "0"
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(u.Host)) // a hash takes everything
	return strconv.Itoa(int(h.Sum32() % hookLanes))
}

// ActionLife is how long what a page offers can be done: pressed, clicked or
// answered by telephone.
const ActionLife = actionLife

// AddressApp names what carries a method to addresses, as [Device.App] has it.
func AddressApp(p Provider) string {
	switch p {
	case Email:
		return "smtp"
	case SMS, Voice:
		return "twilio"
	default:
		return string(p)
	}
}
