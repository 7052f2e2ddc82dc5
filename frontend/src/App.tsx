import { lazy, type ReactNode } from "react";
import { Route, Routes } from "react-router";
import { useAuth } from "./lib/auth";
import { Gate } from "./lib/Gate";
import { BACKUP_CODE_PATH, LOGIN_PATH, STEP_PATH } from "./lib/steps";
import { useWentBack } from "./lib/useWentBack";
import Login from "./pages/Login";
import Unreachable from "./pages/Unreachable";
import { SIGNED_IN_PAGES } from "./signedInPages";
import { Logo } from "./ui/Mark";
import { Waiting } from "./ui/Waiting";

const EmailCode = lazy(() => import("./pages/EmailCode"));
const MFAEnroll = lazy(() => import("./pages/MFAEnroll"));
const TOTPVerify = lazy(() => import("./pages/TOTPVerify"));
const BackupCode = lazy(() => import("./pages/BackupCode"));
const NotFound = lazy(() => import("./pages/NotFound"));

const gated = (page: ReactNode, { needsSession = false, open = false } = {}) => (
  <Gate needsSession={needsSession} open={open} waiting={<Waiting />}>
    {page}
  </Gate>
);

export function App() {
  const { brand } = useAuth();
  const { appName: name, logo: src } = brand;
  const logo = src ? { src, name } : name ? null : undefined;
  return (
    <Logo value={logo}>
      <Pages />
    </Logo>
  );
}

function Pages() {
  const { state } = useAuth();
  const wentBack = useWentBack();
  if (state.at === "unreachable") return <Unreachable problem={state.problem} />;
  return (
    <Routes>
      <Route path={LOGIN_PATH} element={gated(<Login />, { open: wentBack })} />
      <Route path={STEP_PATH.email_code} element={gated(<EmailCode />)} />
      <Route path={STEP_PATH.enroll} element={gated(<MFAEnroll />)} />
      <Route path={STEP_PATH.totp} element={gated(<TOTPVerify />)} />
      <Route path={BACKUP_CODE_PATH} element={gated(<BackupCode />)} />
      {Object.entries(SIGNED_IN_PAGES).map(([path, Page]) => (
        <Route key={path} path={path} element={gated(<Page />, { needsSession: true })} />
      ))}
      <Route path="*" element={<NotFound />} />
    </Routes>
  );
}
