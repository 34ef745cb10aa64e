package mail

import (
	"strings"

	"shirase/internal/aws/once"
	"shirase/internal/deliver"
)

// judge says what an error of SES means for a mail from an address. What is wrong
// with our account or identity is [deliver.Unauthorised]: every mail waits, none
// is given up, and an operator hears of it.
//
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors
// https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html
func judge(err error, from string) *deliver.Failure {
	return once.Judge(err, func(a once.Answer) (deliver.Reason, bool) {
		switch a.Code {
		case "AccountSuspendedException", "SendingPausedException", "MailFromDomainNotVerifiedException",
			"NotFoundException": // the configuration set, or the identity
			return deliver.Unauthorised, true
		case "MessageRejected":
			if a.Says("paused", "suspended", "configuration set") || unverified(a, from) {
				return deliver.Unauthorised, true
			}
			return deliver.Rejected, true
		case "BadRequestException":
			if a.Says("configuration set", "sending pool", "tenant") || unverified(a, from) {
				return deliver.Unauthorised, true
			}
			return deliver.Rejected, true
		}
		return "", false
	})
}

// unverified reports whether the identity that failed the check is ours. In the
// sandbox it may be the recipient, who then is refused alone. The text ends with
// the identities: "The following identities failed the check in region
// EU-WEST-1: a@example.com, b@example.com".
func unverified(a once.Answer, from string) bool {
	if !a.Says("not verified") {
		return false
	}
	_, list, ok := strings.Cut(strings.ToLower(a.Message), "region ")
	if !ok {
		return true // it names nobody, so it may be us
	}
	_, list, _ = strings.Cut(list, ":")
	from = strings.ToLower(from)
	domain := from[strings.LastIndexByte(from, '@')+1:]
	for identity := range strings.SplitSeq(list, ",") {
		identity = strings.Trim(identity, " .<>")
		if i := strings.LastIndexByte(identity, '<'); i >= 0 {
			identity = identity[i+1:]
		}
		if identity == from || identity == domain {
			return true
		}
	}
	return false
}
