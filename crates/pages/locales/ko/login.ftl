login-title = 로그인
login-remember = 이 기기에서 로그인 유지
login-forgot = 비밀번호를 잊으셨나요?
login-new = 처음이신가요?
login-for-app = { $app }(으)로 계속하려면 로그인하세요
login-again-title = 다시 로그인
goes-to = 이동할 주소
login-refused = 이메일 또는 비밀번호가 맞지 않습니다
    .detail = 다시 확인하거나 비밀번호를 재설정해 주세요.
login-password-changed = 비밀번호를 변경했습니다
    .detail = 모든 기기에서 로그아웃했습니다. 새 비밀번호로 로그인해 주세요.
login-session-ended = 다시 로그인해 주세요
    .detail = 이전 세션이 종료되었습니다.

cookie-title = 브라우저가 쿠키를 저장하지 않았습니다
cookie-lead = 이메일과 비밀번호는 맞았지만, 로그인을 유지하는 쿠키가 다음 페이지로 전달되지 않았습니다.
cookie-allow = 브라우저 설정에서 이 사이트의 쿠키를 허용해 주세요.
cookie-private = 쿠키를 차단하는 확장 프로그램을 끄거나, 비공개 모드가 아닌 창에서 시도해 주세요.
cookie-safari = Safari는 http://localhost에서 보안 쿠키를 저장하지 않습니다. Chrome, Edge, Firefox를 사용해 주세요.

logout-title = 로그아웃할까요?
logout-lead = 이 브라우저의 세션과 그 세션에 딸린 토큰이 종료됩니다.
logout-stay = 로그인 유지
logged-out-title = 로그아웃했습니다
logged-out-lead = 세션과 토큰은 이제 어디에서도 쓸 수 없습니다.
