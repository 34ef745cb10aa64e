package text

import (
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"shirase/internal/aws/once"
	"shirase/internal/deliver"
)

// judge says what an error of SendTextMessage means. The service gives a reason
// beside most codes. What is wrong with our account, our origin or our money is
// [deliver.Unauthorised]: every message waits, none is given up, and an operator
// hears of it. What is wrong with one number or its country is refused, so that
// it holds up nobody else.
//
// https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html#API_SendTextMessage_Errors
func judge(err error) *deliver.Failure {
	return once.Judge(err, func(once.Answer) (deliver.Reason, bool) {
		if e, ok := errors.AsType[*types.ConflictException](err); ok {
			return conflict(e.Reason), true
		}
		if e, ok := errors.AsType[*types.ValidationException](err); ok {
			return invalid(e), true
		}
		if _, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
			return deliver.Unauthorised, true // the origin or the configuration set
		}
		if e, ok := errors.AsType[*types.ServiceQuotaExceededException](err); ok {
			if e.Reason == types.ServiceQuotaExceededExceptionReasonDailyDestinationCallLimit {
				return deliver.Rejected, true // this number heard enough for a day
			}
			return deliver.Unauthorised, true // the month's money is spent
		}
		return "", false
	})
}

func conflict(r types.ConflictExceptionReason) deliver.Reason {
	switch r {
	case types.ConflictExceptionReasonDestinationPhoneNumberOptedOut:
		return deliver.Gone
	case types.ConflictExceptionReasonDestinationPhoneNumberNotVerified, // in the sandbox
		types.ConflictExceptionReasonDestinationCountryBlockedByProtectConfiguration,
		types.ConflictExceptionReasonDestinationPhoneNumberBlockedByProtectNumberOverride,
		types.ConflictExceptionReasonNoOriginationIdentitiesFound: // of a pool, for this country
		return deliver.Rejected
	default:
		return deliver.Unauthorised // the origin cannot do what we ask
	}
}

// ours are the fields of the request that come from our settings.
var ours = []string{"OriginationIdentity", "ConfigurationSetName", "MaxPrice", "TimeToLive", "Context", "MessageType"}

func invalid(e *types.ValidationException) deliver.Reason {
	switch e.Reason {
	case types.ValidationExceptionReasonResourceNotAccessible, types.ValidationExceptionReasonInvalidArn,
		types.ValidationExceptionReasonChannelNotEnabled, types.ValidationExceptionReasonSenderIdNotRegistered,
		types.ValidationExceptionReasonUnknownOperation:
		return deliver.Unauthorised
	default:
	}
	for _, f := range e.Fields {
		if f.Name != nil && slices.Contains(ours, *f.Name) {
			return deliver.Unauthorised
		}
	}
	return deliver.Rejected
}
