package api

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/nightbell/nightbell"
)

// contract is openapi.yaml made ready to judge requests: each schema compiled
// once (kin-openapi would compile them anew for every request).
type contract struct {
	// operations by the mux's pattern, "GET /v1/me".
	operations map[string]*operation
}

// operation is what one operation of the contract allows.
type operation struct {
	route      string // the path as in the contract, for logs and metrics
	public     bool   // needs no session
	receiptKey bool   // a device's receipt key will do
	params     map[string]*parameter
	body       *jsonschema.Schema
	// bodyRequired: without it, an empty body is fine.
	bodyRequired bool
}

// parameter is one query or header parameter.
type parameter struct {
	name   string
	header bool
	list   bool
	number bool
	flag   bool
	schema *jsonschema.Schema
}

// handWritten are the tags whose operations do not come from the generator.
var handWritten = []string{"events", "stream", "operations"}

func isHandWritten(tags []string) bool {
	return slices.ContainsFunc(tags, func(t string) bool { return slices.Contains(handWritten, t) })
}

func readContract() (*contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData([]byte(nightbell.OpenAPI()))
	if err != nil {
		return nil, err
	}
	schemas, err := newSchemas(doc)
	if err != nil {
		return nil, err
	}
	c := &contract{operations: map[string]*operation{}}
	for path, item := range doc.Paths.Map() {
		for method, spec := range item.Operations() {
			if isHandWritten(spec.Tags) {
				continue
			}
			op, err := readOperation(schemas, path, method, item, spec)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", method, path, err)
			}
			c.operations[method+" "+path] = op
		}
	}
	return c, nil
}

func readOperation(schemas *schemas, path, method string, item *openapi3.PathItem, spec *openapi3.Operation) (*operation, error) {
	op := &operation{route: path, params: map[string]*parameter{}}
	op.readSecurity(spec.Security)
	place := "/paths/" + escape(path)
	if err := op.readParams(schemas, place+"/parameters", item.Parameters); err != nil {
		return nil, err
	}
	place += "/" + strings.ToLower(method)
	if err := op.readParams(schemas, place+"/parameters", spec.Parameters); err != nil {
		return nil, err
	}
	if spec.RequestBody == nil {
		var err error
		op.body, err = schemas.noBody()
		return op, err
	}
	op.bodyRequired = spec.RequestBody.Value.Required
	var err error
	op.body, err = schemas.at(place + "/requestBody/content/application~1json/schema")
	return op, err
}

// readSecurity tells by what callers may prove who they are. Nothing said is a
// session's token, nothing asked is no proof at all.
func (op *operation) readSecurity(s *openapi3.SecurityRequirements) {
	if s == nil {
		return
	}
	op.public = len(*s) == 0
	for _, way := range *s {
		if _, ok := way["receiptKey"]; ok {
			op.receiptKey = true
		}
	}
}

func (op *operation) readParams(schemas *schemas, place string, params openapi3.Parameters) error {
	for i, ref := range params {
		p := ref.Value
		if p.In == openapi3.ParameterInPath {
			continue // ids are checked by id.Check, which says which kind it was given
		}
		at := fmt.Sprintf("%s/%d/schema", place, i)
		if ref.Ref != "" {
			at = strings.TrimPrefix(ref.Ref, "#") + "/schema"
		}
		schema, err := schemas.at(at)
		if err != nil {
			return err
		}
		key := p.Name
		if p.In == openapi3.ParameterInHeader {
			key = http.CanonicalHeaderKey(p.Name)
		}
		kind := p.Schema.Value.Type
		op.params[p.In+" "+key] = &parameter{
			name: p.Name, header: p.In == openapi3.ParameterInHeader,
			list: kind.Is("array"), number: kind.Is("integer"), flag: kind.Is("boolean"), schema: schema,
		}
	}
	return nil
}

// schemas compiles parts of the document by their place in it.
type schemas struct{ compiler *jsonschema.Compiler }

const (
	documentURL = "nightbell:openapi"
	noBodyURL   = "nightbell:no-body"
)

func newSchemas(doc *openapi3.T) (*schemas, error) {
	text, err := doc.MarshalJSON()
	if err != nil {
		return nil, err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.RegisterFormat(dateTime())
	if err := c.AddResource(documentURL, value); err != nil {
		return nil, err
	}
	if err := c.AddResource(noBodyURL, map[string]any{"type": "object", "additionalProperties": false}); err != nil {
		return nil, err
	}
	return &schemas{c}, nil
}

func (s *schemas) at(place string) (*jsonschema.Schema, error) {
	return s.compiler.Compile(documentURL + "#" + place)
}

// noBody is for actions that take none: clients that always send {} are fine.
func (s *schemas) noBody() (*jsonschema.Schema, error) { return s.compiler.Compile(noBodyURL) }

// escape writes a key as a part of a JSON pointer in a URL fragment.
func escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(key)
}
