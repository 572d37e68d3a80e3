//! `credential-change` (CAEP 1.0 §3.3).

use crate::event::{
    LanguageMap, NumericDate,
    caep::InitiatingEntity,
    define::{event, string_enum},
};

event! {
    /// A credential of the subject was created, changed, revoked or deleted.
    // spec: CAEP-018, CAEP-019, CAEP-020, CAEP-021, CAEP-022
    CredentialChange, "https://schemas.openid.net/secevent/caep/event-type/credential-change", "CAEP 1.0 §3.3";
    required {
        /// The kind of credential.
        credential_type: CredentialType, "credential_type" = "CAEP-019";
        /// What happened to it.
        change_type: ChangeType, "change_type" = "CAEP-020";
    }
    optional {
        /// The name its user gave it.
        friendly_name: String, "friendly_name" = "CAEP-018";
        /// The issuer of an X.509 certificate (RFC 5280).
        x509_issuer: String, "x509_issuer" = "CAEP-018";
        /// The serial number of an X.509 certificate (RFC 5280).
        x509_serial: String, "x509_serial" = "CAEP-018";
        /// The model of a FIDO2 authenticator (`WebAuthn` AAGUID).
        fido2_aaguid: String, "fido2_aaguid" = "CAEP-018";
        /// When the change happened, not when it was sent.
        event_timestamp: NumericDate, "event_timestamp" = "CAEP-002";
        /// Who or what set it off.
        initiating_entity: InitiatingEntity, "initiating_entity" = "CAEP-003";
        /// Why, for logs and audit.
        reason_admin: LanguageMap, "reason_admin" = "CAEP-005";
        /// Why, for the end user.
        reason_user: LanguageMap, "reason_user" = "CAEP-005";
    }
}

string_enum! {
    /// The kind of a credential; parties may agree on more.
    open CredentialType {
        /// A password.
        Password = "password",
        /// A PIN.
        Pin = "pin",
        /// An X.509 certificate.
        X509 = "x509",
        /// A FIDO2 authenticator built into a device.
        Fido2Platform = "fido2-platform",
        /// A FIDO2 authenticator that moves between devices.
        Fido2Roaming = "fido2-roaming",
        /// A FIDO U2F authenticator.
        FidoU2f = "fido-u2f",
        /// A verifiable credential.
        VerifiableCredential = "verifiable-credential",
        /// Calls to a phone.
        PhoneVoice = "phone-voice",
        /// Text messages to a phone.
        PhoneSms = "phone-sms",
        /// An application, such as an authenticator.
        App = "app",
    }
}

string_enum! {
    /// What happened to a credential.
    closed ChangeType {
        /// It was made.
        Create = "create",
        /// It was revoked.
        Revoke = "revoke",
        /// It was changed.
        Update = "update",
        /// It was deleted.
        Delete = "delete",
    }
}
