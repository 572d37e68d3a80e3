//! The claims that RFC 7519, RFC 8417 and RFC 9493 register, found in one pass.

use secevent_jose::json::{Json, Object};

/// Each registered claim that is there.
#[derive(Clone, Copy, Default)]
pub(crate) struct Envelope<'d> {
    pub(crate) iss: Option<Json<'d>>,
    pub(crate) sub: Option<Json<'d>>,
    pub(crate) aud: Option<Json<'d>>,
    pub(crate) exp: Option<Json<'d>>,
    pub(crate) nbf: Option<Json<'d>>,
    pub(crate) iat: Option<Json<'d>>,
    pub(crate) jti: Option<Json<'d>>,
    pub(crate) txn: Option<Json<'d>>,
    pub(crate) toe: Option<Json<'d>>,
    pub(crate) sub_id: Option<Json<'d>>,
    pub(crate) events: Option<Json<'d>>,
}

impl<'d> Envelope<'d> {
    pub(crate) fn of(claims: Object<'d>) -> Self {
        let mut found = Self::default();
        for (name, value) in claims.iter() {
            let claim = match name {
                "iss" => &mut found.iss,
                "sub" => &mut found.sub,
                "aud" => &mut found.aud,
                "exp" => &mut found.exp,
                "nbf" => &mut found.nbf,
                "iat" => &mut found.iat,
                "jti" => &mut found.jti,
                "txn" => &mut found.txn,
                "toe" => &mut found.toe,
                "sub_id" => &mut found.sub_id,
                "events" => &mut found.events,
                _ => continue,
            };
            *claim = Some(value);
        }
        found
    }

    /// What stands in `events`, by event identifier; nothing when it is no object.
    pub(crate) fn events(&self) -> impl Iterator<Item = (&'d str, Json<'d>)> + use<'d> {
        self.events.and_then(Json::as_object).into_iter().flat_map(Object::iter)
    }

    /// The format of `sub_id`, if it has one.
    pub(crate) fn subject_format(&self) -> Option<&'d str> {
        self.sub_id?.as_object()?.text("format")
    }
}
