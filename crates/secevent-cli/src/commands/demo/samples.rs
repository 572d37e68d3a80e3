//! A day in the life of an identity provider: every CAEP event and every RISC event that is not deprecated.

use secevent::{
    Event, EventType, SubjectId,
    event::{LanguageMap, caep, risc},
};

/// One signal to send.
pub(super) struct Sample {
    pub(super) event: Event,
    pub(super) subject: SubjectId,
}

impl Sample {
    pub(super) fn name(&self) -> String {
        self.event.event_type().name()
    }
}

fn why(text: &str) -> LanguageMap {
    LanguageMap::new("en", text)
}

/// Every sample, push and poll in turn.
pub(super) fn all() -> Vec<Sample> {
    let alice = SubjectId::email("alice@example.com");
    let bob = SubjectId::iss_sub("https://idp.example", "bob");
    let carol = SubjectId::email("carol@example.com");
    let phone = SubjectId::phone_number("+12065550100");
    let laptop = SubjectId::complex([("user", alice.clone()), ("device", SubjectId::opaque("d7"))]);
    let mut claims = serde_json::Map::new();
    claims.insert("role".into(), "contractor".into());
    let events: [(Event, &SubjectId); 21] = [
        (caep::SessionRevoked::new().reason_admin(why("risk score 91")).into(), &alice),
        (caep::TokenClaimsChange::new(claims).into(), &bob),
        (
            caep::CredentialChange::new(caep::CredentialType::Fido2Roaming, caep::ChangeType::Create)
                .friendly_name("blue key")
                .into(),
            &alice,
        ),
        (
            caep::AssuranceLevelChange::new(caep::Namespace::NistAal, "nist-aal2")
                .previous_level("nist-aal1")
                .change_direction(caep::ChangeDirection::Increase)
                .into(),
            &bob,
        ),
        (
            caep::DeviceComplianceChange::new(
                caep::ComplianceStatus::Compliant,
                caep::ComplianceStatus::NotCompliant,
            )
            .reason_admin(why("disk is not encrypted"))
            .into(),
            &laptop,
        ),
        (caep::SessionEstablished::new().acr("aal2").into(), &carol),
        (caep::SessionPresented::new().into(), &carol),
        (
            caep::RiskLevelChange::new(caep::Principal::User, caep::RiskLevel::High)
                .previous_level(caep::RiskLevel::Low)
                .risk_reason("password found in a leak")
                .into(),
            &alice,
        ),
        (risc::AccountCredentialChangeRequired::new().into(), &alice),
        (risc::AccountPurged::new().into(), &bob),
        (risc::AccountDisabled::new().reason(risc::DisabledReason::Hijacking).into(), &carol),
        (risc::AccountEnabled::new().into(), &carol),
        (risc::IdentifierChanged::new().new_value("alice@example.org").into(), &alice),
        (risc::IdentifierRecycled::new().into(), &phone),
        (risc::CredentialCompromise::new(caep::CredentialType::Password).into(), &alice),
        (risc::OptIn::new().into(), &bob),
        (risc::OptOutInitiated::new().into(), &bob),
        (risc::OptOutCancelled::new().into(), &bob),
        (risc::OptOutEffective::new().into(), &bob),
        (risc::RecoveryActivated::new().into(), &carol),
        (risc::RecoveryInformationChanged::new().into(), &carol),
    ];
    events.map(|(event, subject)| Sample { event, subject: subject.clone() }).into()
}

/// The event types of the catalogue that the demo sends, split between its two receivers.
pub(super) fn halves() -> (Vec<EventType>, Vec<EventType>) {
    let wanted = |event_type: &EventType| ["caep:", "risc:"].iter().any(|f| event_type.name().starts_with(f));
    let (pushed, polled): (Vec<_>, Vec<_>) =
        EventType::catalogue().filter(wanted).enumerate().partition(|(i, _)| i % 2 == 0);
    let types = |half: Vec<(usize, EventType)>| half.into_iter().map(|(_, event_type)| event_type).collect();
    (types(pushed), types(polled))
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: CIOP-005, RISC-022
    #[test]
    fn the_demo_sends_every_caep_and_every_current_risc_event_once() {
        let (mut wanted, polled) = halves();
        assert!(wanted.len().abs_diff(polled.len()) <= 1, "one half each");
        wanted.extend(polled);
        let mut sent: Vec<_> = all().iter().map(|sample| sample.event.event_type()).collect();
        wanted.sort();
        sent.sort();
        assert_eq!(sent, wanted);
    }
}
