package evidence

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Each type compiles, and an empty body of it fails at its first required
// field.
func TestCatalogue(t *testing.T) {
	if !slices.IsSorted(Types()) || len(Types()) == 0 {
		t.Errorf("types are not sorted: %s", Types())
	}
	for _, typ := range Types() {
		t.Run(string(typ), func(t *testing.T) {
			shape := typ.Shape()
			if !isDotted(string(typ)) || strings.Count(string(typ), ".") != 1 {
				t.Errorf("%s is not a family and a word", typ)
			}
			first := slices.IndexFunc(shape.Fields, func(f FieldShape) bool { return !f.Optional })
			empty := must(ObjectValue())
			checkFault(t, shape.Check("", empty), "/"+shape.Fields[first].Name, "is missing")
			zero := Body(reflect.Zero(bodies[typ]).Interface())
			if err := shape.Check("", zero); KindOf(err) != Invalid {
				t.Errorf("a body of zeros passes: %s, %v", zero.Canonical(), err)
			}
			checkSubjects(t, shape)
		})
	}
	if Type("no.such").Shape() != nil {
		t.Error("an unknown type has a shape")
	}
}

// checkSubjects wants every personal field to name a sibling that is a key:
// the value is kept, and erased, under that subject's key.
func checkSubjects(t *testing.T, s *Shape) {
	t.Helper()
	for _, f := range s.Fields {
		if f.Class == Personal {
			if who := s.Field(f.Subject); who == nil || !who.Key || who.Kind != String {
				t.Errorf("personal field %s says with %q whose it is", f.Name, f.Subject)
			}
		}
		if f.nested() {
			inner := f.Shape
			if f.Kind == Array {
				inner = f.Elem
			}
			checkSubjects(t, inner)
		}
	}
}

func TestReserved(t *testing.T) {
	tests := []struct {
		typ  Type
		want bool
	}{
		{TypeAuthorizationDecided, true}, {TypeApprovalRequested, true}, {TypeApprovalDecided, true},
		{TypeActionStarted, true}, {TypeActionFinished, true}, {TypeActionRedeemed, true},
		{TypeRunStarted, true}, {TypeRunEnded, true}, {TypeDecisionRouted, true},
		{TypeWorkflowActivated, true}, {TypePersonChanged, true}, {TypeGrantIssued, true},
		{TypeKeyRotated, true}, {TypePacketBuilt, true},
		{"control.tested", true}, {"population.frozen", true}, {"sample.drawn", true}, {"erasure.performed", true},
		{"system.upgraded", true}, {"deviation.opened", true}, {"alert.raised", true}, {"incident.opened", true},
		{"metric.window", true}, {"anomaly.detected", true}, {"stop.ordered", true}, {"breakglass.opened", true},
		{"probe.denied", true}, {"legalhold.placed", true}, {"evidence.read", true}, {"config.changed", true},
		{"catalogue.changed", true}, {"reconcile.result", true},
		{TypeCheckResult, false}, {TypeStepObserved, false}, {TypeModelCalled, false}, {TypeInputReferenced, false},
		{TypeFieldsExtracted, false}, {TypeChangeObserved, false}, {TypeOperationFailed, false},
		{TypeOperationRetried, false}, {TypeOperationRecovered, false},
		{"decision.overridden", false}, {"actions.finished", false}, {"", false},
	}
	for _, tt := range tests {
		if got := tt.typ.Reserved(); got != tt.want {
			t.Errorf("%s: reserved is %v", tt.typ, got)
		}
	}
}

func TestBodyAndDecode(t *testing.T) {
	body := ActionFinished{
		Action: testID, Status: "succeeded", Attempts: 2,
		Response: must(ObjectValue(Field{"entry", StringValue("4711")})), Assurance: "declared",
	}
	v := Body(body)
	want := `{"action":"` + testID + `","assurance":"declared","attempts":2,"response":{"entry":"4711"},"status":"succeeded"}`
	if got := string(v.Canonical()); got != want {
		t.Errorf("body is %s, want %s", got, want)
	}
	checkFault(t, TypeActionFinished.Shape().Check("", v), "", "")
	again, err := Decode[ActionFinished](v)
	if diff := cmp.Diff(body, again, compareValues); err != nil || diff != "" {
		t.Errorf("decoded body differs: %v\n%s", err, diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for text, at := range map[string]string{
		`[]`:                             "",
		`{"checks":{}}`:                  "/checks",
		`{"checks":[{"check":1}]}`:       "/checks/0/check",
		`{"checks":[{},{"outcome":[]}]}`: "/checks/1/outcome",
	} {
		_, err := Decode[CheckResult](mustParse(t, text))
		checkFault(t, err, at, "is a")
	}
	_, err := Decode[RunEnded](mustParse(t, `{"records":1.5}`))
	checkFault(t, err, "/records", "whole number")
	if b, err := Decode[RunEnded](mustParse(t, `{"_sd":["x"],"Outcome":"failed","later":1,"records":7,"summary":null}`)); err != nil || b != (RunEnded{Records: 7}) {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestBodyFollowsPointers(t *testing.T) {
	type inner struct {
		A string `json:"a" evf:"public"`
	}
	type outer struct {
		In   *inner   `json:"in" evf:"opt"`
		List []string `json:"list" evf:"public"`
	}
	for want, body := range map[string]outer{
		`{"list":[]}`:                   {},
		`{"in":{"a":"x"},"list":["y"]}`: {In: &inner{"x"}, List: []string{"y"}},
	} {
		if got := string(Body(body).Canonical()); got != want {
			t.Errorf("body is %s, want %s", got, want)
		}
	}
}

// Every body of every type goes through its Go type and back; what is zero and
// optional may be absent afterwards, and nothing else changes.
func TestDecodeHoldsEveryBody(t *testing.T) {
	for typ, goType := range bodies {
		t.Run(string(typ), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				v := drawBody(t, typ.Shape())
				into, oracle := reflect.New(goType), reflect.New(goType)
				if err := fill(into.Elem(), "", v); err != nil {
					t.Fatalf("%s: %v", v.Canonical(), err)
				}
				if err := json.Unmarshal(v.Canonical(), oracle.Interface()); err != nil {
					t.Fatalf("%s: %v", v.Canonical(), err)
				}
				if diff := cmp.Diff(oracle.Interface(), into.Interface(), compareValues); diff != "" {
					t.Fatalf("%s (-as JSON +filled):\n%s", v.Canonical(), diff)
				}
				again := Body(into.Elem().Interface())
				for _, f := range again.Fields() {
					if was, _ := v.Get(f.Name); string(was.Canonical()) != string(f.Value.Canonical()) && !typ.Shape().Field(f.Name).nested() {
						t.Fatalf("%s became %s, was %s", f.Name, f.Value.Canonical(), was.Canonical())
					}
				}
				if err := typ.Shape().Check("", again); err != nil {
					t.Fatalf("%s became %s: %v", v.Canonical(), again.Canonical(), err)
				}
			})
		})
	}
}
