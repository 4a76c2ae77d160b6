package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/nightbell/nightbell"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
)

func contractDocument(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(nightbell.OpenAPI()))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestContractIsValid(t *testing.T) {
	t.Parallel()
	doc := contractDocument(t)
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaFormatValidation()); err != nil {
		t.Error(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("the contract is OpenAPI %s", doc.OpenAPI)
	}
}

// The profile that generators of many languages understand: every operation
// described, named and with an answer for trouble; requests closed, answers open.
func TestContractKeepsToItsProfile(t *testing.T) {
	t.Parallel()
	doc := contractDocument(t)
	closed := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			where := method + " " + path
			if op.OperationID == "" || op.Summary == "" || len(op.Tags) != 1 {
				t.Errorf("%s lacks an operationId, a summary or its one tag", where)
			}
			if op.Responses.Default() == nil && op.Tags[0] != "events" {
				t.Errorf("%s does not say how trouble looks", where)
			}
			if op.RequestBody != nil && op.Tags[0] != "events" {
				name := strings.TrimPrefix(op.RequestBody.Value.Content["application/json"].Schema.Ref, "#/components/schemas/")
				if name == "" {
					t.Errorf("%s: the request's schema has no name", where)
				}
				closed[name] = true
			}
		}
	}
	for _, part := range []string{"Capabilities", "WebPushKeys", "Receipt", "LiveActivity", "NotificationRuleSetting"} { // parts of requests
		closed[part] = true
	}
	for name, schema := range doc.Components.Schemas {
		has := schema.Value.AdditionalProperties.Has
		if isClosed := has != nil && !*has; isClosed != closed[name] {
			t.Errorf("schema %s: closed %v, want %v (requests are closed, answers are open)", name, isClosed, closed[name])
		}
	}
}

// Every operation has a handler, and the other way round.
func TestContractAndServerNameTheSameOperations(t *testing.T) {
	t.Parallel()
	h := open(t)
	s := h.Handler.(*server)
	for pattern := range s.contract.operations {
		method, path, _ := strings.Cut(pattern, " ")
		r := httptest.NewRequestWithContext(t.Context(), method, strings.NewReplacer("{incident_id}", "x", "{device_id}", "x", "{contact_method_id}", "x", "{provider}", "x", "{app}", "x", "{user_id}", "x").Replace(path), nil)
		if _, got := s.mux.Handler(r); got != pattern {
			t.Errorf("%s is served by %q", pattern, got)
		}
	}
	if n := reflect.TypeFor[StrictServerInterface]().NumMethod(); n != len(s.contract.operations) {
		t.Errorf("%d handlers for %d operations", n, len(s.contract.operations))
	}
	limit := contractDocument(t).Components.Parameters["Limit"].Value.Schema.Value
	if limit.Default != float64(defaultLimit) {
		t.Errorf("the contract's default limit is %v, ours %d", limit.Default, defaultLimit)
	}
}

// What goes out as our own nouns has exactly the keys that the contract names,
// and those without omitempty are the required ones.
func TestNounsHaveTheContractsShape(t *testing.T) {
	t.Parallel()
	doc := contractDocument(t)
	for name, typ := range map[string]reflect.Type{
		"Incident": reflect.TypeFor[incident.Snapshot](), "TimelineEntry": reflect.TypeFor[incident.Entry](),
		"TimelineDetail": reflect.TypeFor[incident.Detail](), "Actor": reflect.TypeFor[incident.Actor](),
		"Capabilities": reflect.TypeFor[push.Capabilities](),
	} {
		schema := doc.Components.Schemas[name].Value
		var keys, required []string
		for i := range typ.NumField() {
			key, option, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			keys = append(keys, key)
			if option == "" {
				required = append(required, key)
			}
			if p := schema.Properties[key]; p != nil && !p.Value.Type.Is(jsonTypeOf(typ.Field(i).Type)) {
				t.Errorf("%s.%s is %v in the contract and %v here", name, key, p.Value.Type, typ.Field(i).Type)
			}
		}
		var theirs []string
		for key := range schema.Properties {
			theirs = append(theirs, key)
		}
		if got, want := sorted(keys), sorted(theirs); !slices.Equal(got, want) {
			t.Errorf("%s has %v, the contract %v", name, got, want)
		}
		if got, want := sorted(required), sorted(schema.Required); !slices.Equal(got, want) {
			t.Errorf("%s always has %v, the contract requires %v", name, got, want)
		}
	}
}

func jsonTypeOf(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.String || t.PkgPath() == "time":
		return "string"
	case t.Kind() == reflect.Slice:
		return "array"
	case t.Kind() == reflect.Struct:
		return "object"
	case t.Kind() == reflect.Bool, t == reflect.TypeFor[push.Maybe]():
		return "boolean"
	default:
		return "integer"
	}
}

func TestEnumsAreOurs(t *testing.T) {
	t.Parallel()
	doc := contractDocument(t)
	for name, want := range map[string][]string{
		"IncidentStatus": {string(incident.Triggered), string(incident.Acknowledged), string(incident.Resolved)},
		"Urgency":        {string(incident.High), string(incident.Low)},
		"Severity":       {string(incident.Critical), string(incident.Error), string(incident.Warning), string(incident.Info)},
		"Platform":       {string(push.IOS), string(push.Android), string(push.Web)},
		"PushProvider":   {string(push.APNs), string(push.FCM), string(push.WebPush)},
		"TokenKind":      {string(push.TokenTarget), string(push.FIDTarget), string(push.EndpointTarget)},
		"DeviceState":    {string(push.DeviceActive), string(push.DeviceSuspect), string(push.DeviceDead)},
	} {
		var got []string
		for _, v := range doc.Components.Schemas[name].Value.Enum {
			got = append(got, v.(string))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s is %v in the contract, %v here", name, got, want)
		}
	}
}

// insiders are codes that the rooms behind /v1 have for others: operators,
// events, the clock.
var insiders = []string{
	"bad_callback", "callback_unsigned",
	"wrong_secret", "bad_ttl", "password_too_short", "password_too_long", "password_not_text", "not_due", "not_snoozed", "unknown_routing_key",
	"body_cut", "unknown_status", "unknown_urgency", "unknown_severity", "database_url", "database_refused", "database_file", "not_a_database",
	"database_not_ready", "database_newer", "migration_failed", "configuration_moved", "already_exists", "missing_reference", "bad_subject", "bad_host",
}

// listedCodes are the codes that the contract lists.
func listedCodes(t testing.TB) map[string]bool {
	t.Helper()
	contract, err := codesOfContract()
	if err != nil {
		t.Fatal(err)
	}
	return contract
}

var codesOfContract = sync.OnceValues(func() (map[string]bool, error) {
	doc, err := openapi3.NewLoader().LoadFromData([]byte(nightbell.OpenAPI()))
	if err != nil {
		return nil, err
	}
	listed := map[string]bool{}
	text := doc.Components.Schemas["Problem"].Value.Description
	for _, word := range strings.FieldsFunc(text[strings.Index(text, "400:"):], func(r rune) bool { return !unicode.IsLower(r) && r != '_' }) {
		listed[word] = true
	}
	return listed, nil
})

// The contract lists the codes that programs may branch on: every code that
// the rooms behind /v1 can say, and none that nobody says.
func TestCodesAreListed(t *testing.T) {
	t.Parallel()
	listed := listedCodes(t)
	said := map[string]bool{}
	for _, room := range []string{".", "../auth", "../respond", "../incident", "../id", "../models", "../push", "../push/webpush", "../push/mail", "../push/webhook", "../push/phone"} {
		for code := range codesIn(t, room) {
			said[code] = true
		}
	}
	for code := range said {
		if !listed[code] && !slices.Contains(insiders, code) {
			t.Errorf("code %s can be said, but openapi.yaml does not list it", code)
		}
	}
	// These rooms say most of their codes to others, so only what is listed is
	// looked for: the stream's own words, and what judges rules and addresses.
	more := map[string]bool{}
	for _, room := range []string{"../realtime", "../oncall", "../app"} {
		maps.Copy(more, codesIn(t, room))
	}
	for code := range listed {
		if !said[code] && !more[code] {
			t.Errorf("openapi.yaml lists code %s, but nobody says it", code)
		}
	}
}

// codesIn finds the codes in a room's calls of fault.New, Field, Wrap and of
// our own newHTTPError and problemItem.
func codesIn(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	place := map[string]int{"New": 1, "Field": 1, "Wrap": 2, "newHTTPError": 1, "problemItem": 0}
	codes := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name := ""
			switch fun := call.Fun.(type) {
			case *ast.Ident:
				name = fun.Name
			case *ast.SelectorExpr:
				if x, ok := fun.X.(*ast.Ident); ok && x.Name == "fault" {
					name = fun.Sel.Name
				}
			}
			at, ok := place[name]
			if !ok || at >= len(call.Args) {
				return true
			}
			if lit, ok := call.Args[at].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if code, err := strconv.Unquote(lit.Value); err == nil && code != "" {
					codes[code] = true
				}
			}
			return true
		})
	}
	return codes
}
