//go:build contract

package secret_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"shirase/internal/aws/enginetest"
	"shirase/internal/aws/secret"
	"shirase/internal/incident"
)

func TestParametersAgainstEngines(t *testing.T) {
	t.Parallel()
	for name, config := range enginetest.All(t) {
		client := ssm.NewFromConfig(config)
		_, err := client.PutParameter(t.Context(), &ssm.PutParameterInput{
			Name: aws.String("/shirase/prod/team/slack"), Value: aws.String(canary), Type: types.ParameterTypeSecureString,
		})
		if err != nil {
			t.Fatal(err)
		}
		p := secret.NewParameters(client, "/shirase/prod/", (&clock{at: noon}).now)
		if got, err := p.Secret(t.Context(), "team/slack"); got != canary || err != nil {
			t.Errorf("%s: Secret = %q, %v, want the canary in clear", name, got, err)
		}
		if _, err := p.Secret(t.Context(), "team/none"); !errors.Is(err, incident.ErrNotFound) {
			t.Errorf("%s: Secret of nothing = %v, want not found", name, err)
		}
	}
}

func TestRootAgainstEngines(t *testing.T) {
	t.Parallel()
	for name, config := range enginetest.All(t) {
		client := secretsmanager.NewFromConfig(config)
		if _, err := secret.NewRoot(client, "root").Keys(t.Context()); !errors.Is(err, incident.ErrNotFound) {
			t.Errorf("%s: Keys of nothing = %v, want not found", name, err)
		}
		_, err := client.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{
			Name: aws.String("root"), SecretString: aws.String(old),
		})
		if err != nil {
			t.Fatal(err)
		}
		keys, err := secret.NewRoot(client, "root").Keys(t.Context())
		if err != nil || len(keys) != 1 || string(keys[0].Secret) != old {
			t.Errorf("%s: Keys = %v, %v, want one", name, keys, err)
		}
		_, err = client.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{
			SecretId: aws.String("root"), SecretString: aws.String(canary),
		})
		if err != nil {
			t.Fatal(err)
		}
		keys, err = secret.NewRoot(client, "root").Keys(t.Context())
		if err != nil || len(keys) != 2 || string(keys[0].Secret) != canary || string(keys[1].Secret) != old {
			t.Errorf("%s: Keys after a rotation = %v, %v, want the new one, then the old", name, keys, err)
		}
	}
}
