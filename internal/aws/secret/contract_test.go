//go:build contract

package secret_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"shirase/internal/aws/enginetest"
	"shirase/internal/aws/secret"
	"shirase/internal/incident"
)

func TestSecretsAgainstEngines(t *testing.T) {
	t.Parallel()
	for name, config := range enginetest.All(t) {
		client := secretsmanager.NewFromConfig(config)
		if _, err := secret.NewRoot(client, "root").Key(t.Context()); !errors.Is(err, incident.ErrNotFound) {
			t.Errorf("%s: Key of nothing = %v, want not found", name, err)
		}
		for _, id := range []string{"root", "shirase/prod/team/slack"} {
			in := &secretsmanager.CreateSecretInput{Name: aws.String(id), SecretString: aws.String(canary)}
			if _, err := client.CreateSecret(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := secret.NewRoot(client, "root").Key(t.Context()); string(got) != canary || err != nil {
			t.Errorf("%s: Key = %q, %v, want the canary", name, got, err)
		}
		c := secret.NewCredentials(client, "shirase/prod/", (&clock{at: noon}).now)
		if got, err := c.Secret(t.Context(), "team/slack"); got != canary || err != nil {
			t.Errorf("%s: Secret = %q, %v, want the canary", name, got, err)
		}
		if _, err := c.Secret(t.Context(), "team/none"); !errors.Is(err, incident.ErrNotFound) {
			t.Errorf("%s: Secret of nothing = %v, want not found", name, err)
		}
		missing, err := secret.NewNames(client, "shirase/prod/").Missing(t.Context(), []string{"team/none", "team/slack"})
		if err != nil || !slices.Equal(missing, []string{"team/none"}) {
			t.Errorf("%s: Missing = %v, %v, want the one that is not there", name, missing, err)
		}
		if _, err := client.DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{SecretId: aws.String("shirase/prod/team/slack")}); err != nil {
			t.Fatal(err)
		}
		again := secret.NewCredentials(client, "shirase/prod/", (&clock{at: noon}).now)
		if _, err := again.Secret(t.Context(), "team/slack"); !errors.Is(err, incident.ErrNotFound) {
			t.Errorf("%s: Secret about to be deleted = %v, want not found", name, err)
		}
	}
}
