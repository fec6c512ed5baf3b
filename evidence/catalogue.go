package evidence

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Type names what a record says, such as action.finished.
type Type string

// The types of record. A type's body is the Go type of the same name.
const (
	TypeRunStarted         Type = "run.started"
	TypeRunEnded           Type = "run.ended"
	TypeStepObserved       Type = "step.observed"
	TypeModelCalled        Type = "model.called"
	TypeInputReferenced    Type = "input.referenced"
	TypeFieldsExtracted    Type = "fields.extracted"
	TypeCheckResult        Type = "check.result"
	TypeOperationFailed    Type = "operation.failed"
	TypeOperationRetried   Type = "operation.retried"
	TypeOperationRecovered Type = "operation.recovered"

	TypeDecisionRouted       Type = "decision.routed"
	TypeAuthorizationDecided Type = "authorization.decided"
	TypeApprovalRequested    Type = "approval.requested"
	TypeApprovalViewed       Type = "approval.viewed"
	TypeApprovalDecided      Type = "approval.decided"
	TypeApprovalConsumed     Type = "approval.consumed"
	TypeActionStarted        Type = "action.started"
	TypeActionRedeemed       Type = "action.redeemed"
	TypeActionRefused        Type = "action.refused"
	TypeActionFinished       Type = "action.finished"
	TypeChangeObserved       Type = "change.observed"

	TypeWorkflowActivated Type = "workflow.activated"
	TypeWorkflowRetired   Type = "workflow.retired"
	TypePersonChanged     Type = "person.changed"
	TypeGrantIssued       Type = "grant.issued"
	TypeGrantRevoked      Type = "grant.revoked"
	TypeKeyRotated        Type = "key.rotated"
	TypeKeyRetired        Type = "key.retired"
	TypeSystemEpoch       Type = "system.epoch"
	TypePacketBuilt       Type = "packet.built"
	TypeErasurePerformed  Type = "erasure.performed"
	TypeLegalHoldPlaced   Type = "legalhold.placed"
	TypeLegalHoldReleased Type = "legalhold.released"
)

var bodies = map[Type]reflect.Type{
	TypeRunStarted:           reflect.TypeFor[RunStarted](),
	TypeRunEnded:             reflect.TypeFor[RunEnded](),
	TypeStepObserved:         reflect.TypeFor[StepObserved](),
	TypeModelCalled:          reflect.TypeFor[ModelCalled](),
	TypeInputReferenced:      reflect.TypeFor[InputReferenced](),
	TypeFieldsExtracted:      reflect.TypeFor[FieldsExtracted](),
	TypeCheckResult:          reflect.TypeFor[CheckResult](),
	TypeOperationFailed:      reflect.TypeFor[OperationFailed](),
	TypeOperationRetried:     reflect.TypeFor[OperationRetried](),
	TypeOperationRecovered:   reflect.TypeFor[OperationRecovered](),
	TypeDecisionRouted:       reflect.TypeFor[DecisionRouted](),
	TypeAuthorizationDecided: reflect.TypeFor[AuthorizationDecided](),
	TypeApprovalRequested:    reflect.TypeFor[ApprovalRequested](),
	TypeApprovalViewed:       reflect.TypeFor[ApprovalViewed](),
	TypeApprovalDecided:      reflect.TypeFor[ApprovalDecided](),
	TypeApprovalConsumed:     reflect.TypeFor[ApprovalConsumed](),
	TypeActionStarted:        reflect.TypeFor[ActionStarted](),
	TypeActionRedeemed:       reflect.TypeFor[ActionRedeemed](),
	TypeActionRefused:        reflect.TypeFor[ActionRefused](),
	TypeActionFinished:       reflect.TypeFor[ActionFinished](),
	TypeChangeObserved:       reflect.TypeFor[ChangeObserved](),
	TypeWorkflowActivated:    reflect.TypeFor[WorkflowActivated](),
	TypeWorkflowRetired:      reflect.TypeFor[WorkflowRetired](),
	TypePersonChanged:        reflect.TypeFor[PersonChanged](),
	TypeGrantIssued:          reflect.TypeFor[GrantIssued](),
	TypeGrantRevoked:         reflect.TypeFor[GrantRevoked](),
	TypeKeyRotated:           reflect.TypeFor[KeyRotated](),
	TypeKeyRetired:           reflect.TypeFor[KeyRetired](),
	TypeSystemEpoch:          reflect.TypeFor[SystemEpoch](),
	TypePacketBuilt:          reflect.TypeFor[PacketBuilt](),
	TypeErasurePerformed:     reflect.TypeFor[ErasurePerformed](),
	TypeLegalHoldPlaced:      reflect.TypeFor[LegalHoldPlaced](),
	TypeLegalHoldReleased:    reflect.TypeFor[LegalHoldReleased](),
}

var shapes = sync.OnceValue(func() map[Type]*Shape {
	m := make(map[Type]*Shape, len(bodies))
	for t, body := range bodies {
		m[t] = shapeOf(body)
	}
	return m
})

// Shape is what the catalogue knows of the type's body, nil for an unknown
// type.
func (t Type) Shape() *Shape { return shapes()[t] }

// Types lists the catalogue, sorted.
func Types() []Type {
	list := make([]Type, 0, len(bodies))
	for t := range bodies {
		list = append(list, t)
	}
	slices.Sort(list)
	return list
}

// reserved are the families of types that only the house itself writes.
var reserved = strings.Fields(`authorization approval action control population sample packet key grant erasure
	system workflow person deviation alert incident metric anomaly stop breakglass probe legalhold evidence
	config catalogue reconcile run decision.routed`)

// Reserved reports whether only the house itself writes records of this type.
// Runs begin and end, and rules route, through calls of their own.
func (t Type) Reserved() bool {
	family, _, _ := strings.Cut(string(t), ".")
	return slices.Contains(reserved, family) || slices.Contains(reserved, string(t))
}

// Body turns one of this package's body types into a Value. Fields that are
// optional or set by the house are left out where they are zero; a nil list is
// an empty one. It panics on a type that the catalogue could not hold.
func Body(body any) Value { return valueOf(reflect.ValueOf(body)) }

func valueOf(v reflect.Value) Value {
	if v.Type() == valueType {
		return v.Interface().(Value)
	}
	switch v.Kind() {
	case reflect.Pointer:
		return valueOf(v.Elem())
	case reflect.String:
		return StringValue(v.String())
	case reflect.Bool:
		return BoolValue(v.Bool())
	case reflect.Int, reflect.Int64:
		n, err := IntValue(v.Int())
		if err != nil {
			panic("evidence: " + err.Error())
		}
		return n
	case reflect.Slice:
		list := make([]Value, v.Len())
		for i := range list {
			list[i] = valueOf(v.Index(i))
		}
		return ArrayValue(list...)
	case reflect.Struct:
		return structValue(v)
	}
	panic(fmt.Sprintf("evidence: no value for %v", v.Type()))
}

func structValue(v reflect.Value) Value {
	var fields []Field
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		opts := strings.Split(sf.Tag.Get("evf"), ",")
		if v.Field(i).IsZero() && (slices.Contains(opts, "opt") || slices.Contains(opts, "server")) {
			continue
		}
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		fields = append(fields, Field{name, valueOf(v.Field(i))})
	}
	obj, err := ObjectValue(fields...)
	if err != nil {
		panic("evidence: " + err.Error())
	}
	return obj
}

// Decode fills one of this package's body types from a Value; fields that are
// withheld stay zero.
func Decode[T any](v Value) (T, error) {
	var body T
	err := json.Unmarshal(v.Canonical(), &body)
	return body, err
}
