//! Users, invitations and sessions.

use store::{StoreError, sessions, users};

use crate::engines::on_each_engine;

#[tokio::test]
async fn users_are_created_once_and_shut_out_for_good() {
    on_each_engine(|store| async move {
        assert_eq!(users::count(&store).await.unwrap(), 0);
        let ada = users::create(&store, "ada", "$argon2id$1", "administrator", 10).await.unwrap();
        let bob = users::create(&store, "bob", "$argon2id$2", "viewer", 11).await.unwrap();
        let taken = users::create(&store, "ada", "$argon2id$3", "viewer", 12).await.unwrap_err();
        assert!(matches!(&taken, StoreError::Exists { what: "user", name } if name == "ada"), "{taken}");
        assert!(taken.to_string().contains("choose another name"));
        assert_eq!(users::count(&store).await.unwrap(), 2);
        let user = users::by_name(&store, "ada").await.unwrap().unwrap();
        assert_eq!((user.id, user.role.as_str(), user.created_at, user.disabled_at), (ada, "administrator", 10, None));
        assert_eq!(users::by_name(&store, "Ada").await.unwrap(), None);
        assert_eq!(users::by_id(&store, bob).await.unwrap().unwrap().name, "bob");
        assert_eq!(users::by_id(&store, 99).await.unwrap(), None);

        sessions::begin(&store, &[1; 32], bob, 20, 100).await.unwrap();
        users::disable(&store, bob, 30).await.unwrap();
        users::disable(&store, bob, 40).await.unwrap();
        assert_eq!(users::by_id(&store, bob).await.unwrap().unwrap().disabled_at, Some(30), "the first time counts");
        assert_eq!(sessions::find(&store, &[1; 32], 31).await.unwrap(), None);
        sessions::begin(&store, &[2; 32], bob, 41, 100).await.unwrap();
        assert_eq!(sessions::find(&store, &[2; 32], 42).await.unwrap(), None, "whoever is shut out has no session");
        let names: Vec<_> = users::all(&store).await.unwrap().into_iter().map(|user| user.name).collect();
        assert_eq!(names, ["ada", "bob"]);
    })
    .await;
}

#[tokio::test]
async fn sessions_end_in_time_and_with_the_password() {
    on_each_engine(|store| async move {
        let ada = users::create(&store, "ada", "$argon2id$1", "administrator", 10).await.unwrap();
        sessions::begin(&store, &[1; 32], ada, 20, 100).await.unwrap();
        sessions::begin(&store, &[2; 32], ada, 20, 200).await.unwrap();
        let again = sessions::begin(&store, &[2; 32], ada, 21, 300).await.unwrap_err();
        assert!(again.is_unique_violation(), "{again}");
        assert!(sessions::begin(&store, &[3; 32], 99, 21, 300).await.is_err(), "nobody has this id");
        sessions::touch(&store, &[1; 32], 55).await.unwrap();
        let session = sessions::find(&store, &[1; 32], 99).await.unwrap().unwrap();
        assert_eq!((session.user_id, session.created_at, session.last_seen_at, session.expires_at), (ada, 20, 55, 100));
        assert_eq!(sessions::find(&store, &[1; 32], 100).await.unwrap(), None);
        assert_eq!(sessions::find(&store, &[9; 32], 99).await.unwrap(), None);
        assert_eq!(sessions::sweep(&store, 100).await.unwrap(), 1);
        assert_eq!(sessions::sweep(&store, 100).await.unwrap(), 0);
        users::set_password(&store, ada, "$argon2id$new").await.unwrap();
        assert_eq!(sessions::find(&store, &[2; 32], 50).await.unwrap(), None, "another password ends every session");
        assert_eq!(users::by_id(&store, ada).await.unwrap().unwrap().password_hash, "$argon2id$new");
        sessions::begin(&store, &[4; 32], ada, 20, 100).await.unwrap();
        sessions::end(&store, &[4; 32]).await.unwrap();
        assert_eq!(sessions::find(&store, &[4; 32], 50).await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_good_for_one_user() {
    on_each_engine(|store| async move {
        users::create(&store, "ada", "$argon2id$1", "administrator", 10).await.unwrap();
        users::invite(&store, &[7; 32], "administrator", 10, 100).await.unwrap();
        assert_eq!(users::invitation(&store, &[7; 32], 99).await.unwrap().as_deref(), Some("administrator"));
        assert_eq!(users::invitation(&store, &[7; 32], 100).await.unwrap(), None);
        assert_eq!(users::invitation(&store, &[8; 32], 50).await.unwrap(), None);
        assert_eq!(users::accept(&store, &[7; 32], "late", "h", 100).await.unwrap(), None);
        let taken = users::accept(&store, &[7; 32], "ada", "h", 50).await.unwrap_err();
        assert!(matches!(taken, StoreError::Exists { .. }), "{taken}");
        assert!(users::invitation(&store, &[7; 32], 50).await.unwrap().is_some(), "it stays good then");

        let mut tasks = tokio::task::JoinSet::new();
        for guest in 0..8 {
            let store = store.clone();
            tasks.spawn(
                async move { users::accept(&store, &[7; 32], &format!("guest {guest}"), "h", 60).await.unwrap() },
            );
        }
        let accepted: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
        assert_eq!(accepted.len(), 1, "eight at a time, one gets in");
        assert_eq!(users::count(&store).await.unwrap(), 2);
        assert_eq!(users::by_id(&store, accepted[0]).await.unwrap().unwrap().role, "administrator");
    })
    .await;
}
