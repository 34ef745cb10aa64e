package template_test

import (
	"testing"

	"shirase/infra/template"
)

// choices are the parameters that the templates are judged with: as they stand,
// and with every option on.
var choices = map[string]map[string]map[string]string{
	"../../template.yaml": {
		"defaults": {"OperatorEmail": "ops@example.test"},
		"starter":  {"OperatorEmail": "ops@example.test", "StarterMode": "true"},
		"key":      {"OperatorEmail": "ops@example.test", "OwnKey": "true"},
		"all": {
			"OperatorEmail": "ops@example.test", "StarterMode": "true", "OwnKey": "true", "SmsOrigin": "arn:aws:sms-voice:ap-northeast-1:111122223333:pool/pool-1",
			"MailDomain": "status.example.test", "SmsSender": "Example", "PublicUrl": "https://status.example.test", "SourceAccounts": "444455556666,777788889999",
		},
	},
	"../source/template.yaml": {
		"defaults": {"OperatorEmail": "ops@example.test", "AlarmBusArn": "arn:aws:events:eu-west-1:111122223333:event-bus/shirase-alarms"},
	},
}

func TestTemplatesKeepTheRules(t *testing.T) {
	t.Parallel()
	for path, ways := range choices {
		doc, err := template.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		for name, parameters := range ways {
			s, err := doc.Resolve(parameters)
			if err != nil {
				t.Fatalf("%s, %s: %v", path, name, err)
			}
			for _, f := range template.Check(s) {
				t.Errorf("%s, %s: %s", path, name, f)
			}
		}
	}
}
