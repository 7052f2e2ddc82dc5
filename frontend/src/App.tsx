import { lazy, type ReactNode } from "react";
import { Route, Routes } from "react-router";
import { useAuth } from "./lib/auth";
import { Gate } from "./lib/Gate";
import { BACKUP_CODE_PATH, LOGIN_PATH, STEP_PATH } from "./lib/steps";
import Login from "./pages/Login";
import Unreachable from "./pages/Unreachable";
import { Waiting } from "./ui/Waiting";

const EmailCode = lazy(() => import("./pages/EmailCode"));
const MFAEnroll = lazy(() => import("./pages/MFAEnroll"));
const TOTPVerify = lazy(() => import("./pages/TOTPVerify"));
const BackupCode = lazy(() => import("./pages/BackupCode"));
const Account = lazy(() => import("./pages/Account"));
const NotFound = lazy(() => import("./pages/NotFound"));

const gated = (page: ReactNode) => <Gate waiting={<Waiting />}>{page}</Gate>;

export function App() {
  const { state } = useAuth();
  if (state.at === "unreachable") return <Unreachable code={state.code} />;
  return (
    <Routes>
      <Route path={LOGIN_PATH} element={gated(<Login />)} />
      <Route path={STEP_PATH.email_code} element={gated(<EmailCode />)} />
      <Route path={STEP_PATH.enroll} element={gated(<MFAEnroll />)} />
      <Route path={STEP_PATH.totp} element={gated(<TOTPVerify />)} />
      <Route path={BACKUP_CODE_PATH} element={gated(<BackupCode />)} />
      <Route path={STEP_PATH.done} element={gated(<Account />)} />
      <Route path="*" element={<NotFound />} />
    </Routes>
  );
}
