//! Studies: created, changed, contained and closed.

use model::event::{Activity, Detail};
use model::{By, Event, Scope, StudyId};
use store::studies::{self, Study};

use crate::access::Access;
use crate::error::AccessError;

impl Access {
    /// Creates a study. The caller has decided that `by` may administer the organisation.
    ///
    /// # Errors
    /// When there is one of this id, a country is none, it cannot be recorded, or the store refuses.
    pub async fn create_study(
        &self,
        id: StudyId,
        title: &str,
        sponsor: Option<String>,
        countries: Vec<String>,
        by: &By,
    ) -> Result<Study, AccessError> {
        let _turn = self.changing.lock().await;
        let countries = countries_of(countries)?;
        if studies::by_id(&self.store, &id).await?.is_some() {
            return Err(store::StoreError::Exists { what: "study", name: id.to_string() }.into());
        }
        let created_at = by.now_ms;
        let title = title.to_owned();
        let study = Study { id, title, sponsor, countries, created_at, contained_at: None, closed_at: None };
        let event = told(Activity::Create, &study, by);
        self.effect(event, studies::create(&self.store, &study)).await?;
        self.turn(|index| index.put_study(study.clone()));
        Ok(study)
    }

    /// The study with `id`, from memory.
    #[must_use]
    pub fn study(&self, id: &StudyId) -> Option<std::sync::Arc<Study>> {
        self.look(|index| index.study(id))
    }

    /// Sets where a study's data may reside.
    ///
    /// # Errors
    /// As [`Access::create_study`].
    pub async fn set_countries(&self, id: &StudyId, countries: Vec<String>, by: &By) -> Result<Study, AccessError> {
        let countries = countries_of(countries)?;
        self.change_study(id, by, move |study| study.countries = countries).await
    }

    /// Lets nobody reach a study from now on, or ends that.
    ///
    /// # Errors
    /// When there is no such study, it cannot be recorded, or the store refuses.
    pub async fn contain_study(&self, id: &StudyId, contained: bool, by: &By) -> Result<Study, AccessError> {
        let since = contained.then_some(by.now_ms);
        self.change_study(id, by, move |study| study.contained_at = since).await
    }

    /// Lets nothing in a study change from now on, or ends that.
    ///
    /// # Errors
    /// As [`Access::contain_study`].
    pub async fn close_study(&self, id: &StudyId, closed: bool, by: &By) -> Result<Study, AccessError> {
        let since = closed.then_some(by.now_ms);
        self.change_study(id, by, move |study| study.closed_at = since).await
    }

    async fn change_study(
        &self,
        id: &StudyId,
        by: &By,
        change: impl FnOnce(&mut Study) + Send,
    ) -> Result<Study, AccessError> {
        let _turn = self.changing.lock().await;
        let missing = || AccessError::Missing { what: "study", id: id.to_string() };
        let mut study = studies::by_id(&self.store, id).await?.ok_or_else(missing)?;
        let old = words(&study);
        change(&mut study);
        let event = Event { old: Some(old), ..told(Activity::Change, &study, by) };
        self.effect(event, studies::change(&self.store, &study)).await?;
        self.turn(|index| index.put_study(study.clone()));
        Ok(study)
    }
}

/// Sorted codes of two capital letters.
fn countries_of(mut countries: Vec<String>) -> Result<Vec<String>, AccessError> {
    let is_code = |code: &String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    if let Some(wrong) = countries.iter().find(|code| !is_code(code)) {
        let what = format!("`{wrong}` is not a country; give ISO 3166-1 codes such as `DE`");
        return Err(AccessError::Wrong { what });
    }
    countries.sort();
    countries.dedup();
    Ok(countries)
}

fn words(study: &Study) -> String {
    let since = |at: Option<i64>| at.map_or_else(|| "no".to_owned(), |at| at.to_string());
    let (contained, closed) = (since(study.contained_at), since(study.closed_at));
    format!("countries={} contained={contained} closed={closed}", study.countries.join(","))
}

fn told(activity: Activity, study: &Study, by: &By) -> Event {
    let mut event = by.event(activity);
    event.resource.study = Some(study.id.clone());
    event.resource.entity = Some(format!("study:{}", study.id));
    event.new = Some(words(study));
    let scope = Scope::Study(study.id.clone());
    event.details.push(Detail { field: "study.title".into(), scope, value: study.title.clone() });
    event
}
