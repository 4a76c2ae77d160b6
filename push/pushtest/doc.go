// Package pushtest is APNs, FCM and a push service of browsers on your desk: a
// strict stand-in for all three.
//
// [Start] opens four TLS listeners with a certificate of its own authority:
//
//	Addr          FCM v1 (/v1/projects/…/messages:send), its OAuth token endpoint
//	              (/token) and the control API (/emulator); HTTP/2 and HTTP/1.1
//	APNsAddr      APNs production (/3/device/…); HTTP/2 only, as Apple's
//	SandboxAddr   APNs sandbox; a token of the other environment is a BadDeviceToken
//	WebPushAddr   a push service of browsers (/push/…); HTTP/2 and HTTP/1.1
//
// Given a port for Addr alone, APNs takes the next one, the sandbox the one
// after that, and Web Push the last of four.
//
// [Emulator.NewBrowser] subscribes a browser with a server's public key. Its
// push service checks what RFC 8030 and 8292 ask for (TTL, Urgency, Topic, the
// token's signature, audience, end and subject), and the browser decrypts, so
// that a wrong byte is a refusal. One that is away ([Emulator.Leave]) gets the
// newest of each topic when it comes back.
//
// It refuses what Apple and Google refuse, with their statuses, reasons and
// bodies: paths, headers, push types, topics, provider tokens and how often
// they change, sizes, unknown fields. Where it is stricter than they are (a
// misspelled apns- header, an alert push without an alert: accepted by Apple
// and then lost), it answers 400 with the reason [ReasonStrict]. Every refusal
// carries an emulator-why header that says in words what was wrong.
//
// It remembers what each device got, and what its screen shows ([Screen]).
// [Emulator.Inject] makes it slow, broken, silent or gone.
//
// # Control API
//
// JSON on Addr, and as plain HTTP on ControlAddr when that is set.
//
//	GET    /emulator                            addresses and what is known
//	GET    /emulator/ca.pem                     the authority to trust
//	POST   /emulator/apns/apps                  {"bundle_id":"com.example.app"} → key_id, team_id, key_pem
//	POST   /emulator/fcm/projects               {"project_id":"example"} → a service account
//	POST   /emulator/browsers                   {"public_key":"B…","name":"Ana's browser"} → what PushSubscription.toJSON() gives
//	GET    /emulator/devices
//	POST   /emulator/devices                    {"provider":"apns","app":"com.example.app","token":"…","environment":"sandbox","name":"Ana's phone"}
//	DELETE /emulator/devices/{token}
//	POST   /emulator/devices/{token}/kill       {"since":"2026-01-02T03:04:05Z"}: from now on 410, or UNREGISTERED
//	GET    /emulator/devices/{token}/pushes     ?after=SEQ&wait=30s
//	GET    /emulator/devices/{token}/screen     the notifications shown
//	POST   /emulator/devices/{token}/press      {"button":"acknowledge"}: as a thumb would; answers what the server said
//	GET    /emulator/refusals                   what was not taken lately, and why in words
//	GET    /emulator/faults
//	POST   /emulator/faults                     a [Fault]; answers its id
//	DELETE /emulator/faults/{id}                or all, without an id
//	PUT    /emulator/latency                    {"latency":"50ms"}
//	POST   /emulator/goaway                     {"provider":"apns"}: as before maintenance
//	POST   /emulator/cut                        {"provider":"fcm"}: as if a cable was pulled
//
// May import: push (its nouns) and push/wire, x/net/http2, golang-jwt.
package pushtest
