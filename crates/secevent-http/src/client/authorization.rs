//! Who we are, in our requests: nobody, a fixed credential, or a client of an authorization server.

use std::sync::Arc;

use secevent_ssf::stream::Secret;

use super::{OAuthClient, OAuthError};

/// What stands in the `Authorization` field of our requests.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Authorization {
    /// The field is not sent.
    #[default]
    None,
    /// The whole value of the field, such as `Bearer` and a token that never changes.
    Fixed(Secret),
    /// An access token, fetched when it is needed.
    OAuth(Arc<OAuthClient>),
}

impl Authorization {
    /// The value of the field.
    pub(super) async fn header(&self) -> Result<Option<Arc<str>>, OAuthError> {
        match self {
            Self::None => Ok(None),
            Self::Fixed(secret) => Ok(Some(secret.expose().into())),
            Self::OAuth(client) => client.header().await.map(Some),
        }
    }

    /// Another value, after this one was answered with 401; `None` where there is no other.
    pub(super) async fn renewed(&self, refused: Option<&str>) -> Result<Option<Arc<str>>, OAuthError> {
        match (self, refused) {
            (Self::OAuth(client), Some(refused)) => client.renewed(refused).await.map(Some),
            _ => Ok(None),
        }
    }
}

impl From<Secret> for Authorization {
    fn from(value: Secret) -> Self {
        Self::Fixed(value)
    }
}

impl From<String> for Authorization {
    fn from(value: String) -> Self {
        Self::Fixed(Secret::new(value))
    }
}

impl From<OAuthClient> for Authorization {
    fn from(client: OAuthClient) -> Self {
        Self::OAuth(Arc::new(client))
    }
}

impl<T: Into<Self>> From<Option<T>> for Authorization {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}
